"""A room's agent: joins the room's lessons by itself and sends its cameras into them, and its sound
where the profile names a microphone.

Owns which of them are sent and when they are asked. Its life on the line is the protocol client's
(`signaling.client.device`), what it does in a lesson `participant`'s, each camera's its own
(`camera`), the sound's `sound`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from random import Random

from hardware_profiles.camera import Camera, CameraStream
from hardware_profiles.doctor.findings import Both
from hardware_profiles.doctor.words import MICROPHONE, SOURCES
from hardware_profiles.errors import ProfileError
from hardware_profiles.room import Layer, RoomProfile, VideoSource
from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.camera_setting import CameraSetting, SetStream
from hardware_profiles.room_agent.carrying import Offering
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.kiosk import Kiosk
from hardware_profiles.room_agent.participant import RoomInLesson
from hardware_profiles.room_agent.room_tokens import TimetabledTokens
from hardware_profiles.room_agent.sound import CameraSound, SoundFeed, SoundSetup
from hardware_profiles.room_agent.sources.devices import LocalDevice
from hardware_profiles.room_agent.sources.errors import SoundFailed
from hardware_profiles.room_agent.sources.onvif.post import OnvifAddress, OnvifCamera
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.source import NetworkCamera, PacketSource
from signaling.client.address import ServerAddress
from signaling.client.device import ClientDevice, Phase
from signaling.client.errors import SeatRefused
from signaling.client.sentences import Say, Sentence
from signaling.client.token_providers import TokenProvider
from signaling.protocol.messages import DeviceKind, SeatState, Source, Welcome

# A server that is started again, or a line that is cut, finds the cameras still running.
LINGER_S = 30.0
# So late a trouble is told, and a camera started before a lesson: nobody notices.
_LOOK_EVERY_S = 0.5
# A credential that was taken back may be given again; nobody stands by to start us anew.
_REFUSED_AGAIN_S = 30.0


@dataclass(slots=True)
class RoomCamera:
    """One source of the room: its streams by the name of the layer each is."""

    source: Source
    streams: dict[str, CameraFeed]
    setting: CameraSetting | None = None
    from_network: bool = True  # else a device of this machine


class RoomAgent:
    """`await run()` it for good; cancel it to make it leave. `cameras`, `sound`, `device` tell."""

    def __init__(
        self,
        server: ServerAddress,
        tokens: TokenProvider,
        profile: RoomProfile,
        passwords: Mapping[str, str],
        *,
        rng: Random,
        say: Say,
    ) -> None:
        """Raises `ProfileError`: the profile has neither camera nor microphone for it, or a camera
        whose password is unknown.
        """
        self.sound = _sound(profile, rng)
        self.cameras = _cameras(profile, passwords, rng, self.sound, say)
        self.profile = profile
        self.server = server
        self.refused = ""
        self.kiosk: Kiosk | None = None  # the room's page beside it, where it opens one
        self._rng = rng
        self._say = say
        self.tokens = tokens if isinstance(tokens, TimetabledTokens) else None
        self.device = ClientDevice(
            server,
            tokens,
            DeviceKind.ENCODER,
            self._joined,
            name=profile.name,
            rng=rng,
            say=say,
            offers_sound=self.sound is not None,
            claims_sound=self.sound is not None,
            plays_sound=self.sound is not None and self.sound.plays,
        )

    async def run(self) -> None:
        """For good."""
        tending = [asyncio.create_task(self._tend(), name="room-cameras")]
        if self.tokens is not None:
            tending.append(asyncio.create_task(self.tokens.keep(), name="room-timetable"))
        if self.kiosk is not None:
            tending.append(asyncio.create_task(self.kiosk.run(), name="room-page"))
        tending += [
            asyncio.create_task(camera.setting.run(), name="camera-setting")
            for camera in self.cameras
            if camera.setting is not None
        ]
        try:
            while True:
                try:
                    await self.device.run()
                except SeatRefused as refusal:
                    if self.refused != str(refusal):
                        self._say(refusal.said.about(self.device.name))
                    self.refused = str(refusal)
                await asyncio.sleep(_REFUSED_AGAIN_S)
        finally:
            for task in tending:
                task.cancel()
            await asyncio.gather(*tending, return_exceptions=True)
            await self._rest()

    def _joined(self, welcome: Welcome, own: SeatState) -> RoomInLesson:
        self.refused = ""
        for stream in self._streams():
            stream.start()
        microphone = self.profile.sound.microphone
        offering = None
        if self.sound is not None and microphone is not None:
            self.sound.start()
            offering = Offering(page_takes_over=microphone.page_takes_over)
        feeds = {camera.source: list(camera.streams.values()) for camera in self.cameras}
        return RoomInLesson(welcome, feeds, self.sound, offering, rng=self._rng)

    async def _rest(self) -> None:
        await asyncio.gather(*(stream.stop() for stream in self._streams()))
        if self.sound is not None:
            await self.sound.stop()

    async def _tend(self) -> None:
        """Cameras run from before a lesson until some time after; their troubles are told."""
        loop = asyncio.get_running_loop()
        last_in_lesson = float("-inf")
        told: dict[CameraFeed | SoundFeed, Sentence] = {}
        while True:
            if self.device.phase is Phase.IN_LESSON:
                last_in_lesson = loop.time()
            elif self.tokens is not None and self.tokens.near:
                for stream in self._streams():
                    stream.start()  # a server that is away finds the room ready
                if self.sound is not None:
                    self.sound.start()
            elif loop.time() - last_in_lesson > LINGER_S:
                await self._rest()
            for camera in self.cameras:
                for stream in camera.streams.values():
                    self._tell(SOURCES[camera.source.value], stream, told)
            if self.sound is not None:
                self._tell(MICROPHONE, self.sound, told)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _tell(
        self,
        name: Both,
        stream: CameraFeed | SoundFeed,
        told: dict[CameraFeed | SoundFeed, Sentence],
    ) -> None:
        """One line when a camera or the microphone is lost, one when it is back."""
        trouble = stream.trouble
        if trouble is not None:
            said = Sentence(f"{name.zh}：{trouble.message_zh}", f"{name.en}: {trouble.message_en}")
            if said != told.get(stream):
                told[stream] = said
                self._say(said)
        elif stream.state is StreamState.SENDS and stream in told:
            del told[stream]
            self._say(Sentence(f"{name.zh}：已恢复", f"{name.en}: it is back"))

    def _streams(self) -> list[CameraFeed]:
        return [stream for camera in self.cameras for stream in camera.streams.values()]


def _sound(profile: RoomProfile, rng: Random) -> SoundFeed | None:
    sound = profile.sound
    if sound.microphone is None:
        return None
    cleans = sound.echo_cancellation or sound.noise_suppression or sound.auto_gain_control
    if cleans and find_spec("pywebrtc_audio") is None:  # said now, and not in the lesson
        missing = SoundFailed("no-processing")
        raise ProfileError(missing.message_en, missing.message_zh)
    speaker = sound.loudspeaker
    setup = SoundSetup(
        device=sound.microphone.device,
        loudspeaker=speaker.device if speaker is not None else None,
        bitrate_bps=sound.max_bitrate_bps,
        echo=sound.echo_cancellation,
        noise=sound.noise_suppression,
        gain=sound.auto_gain_control,
    )
    return SoundFeed(setup, first_timestamp=rng.randrange(1 << 32))


def _cameras(
    profile: RoomProfile,
    passwords: Mapping[str, str],
    rng: Random,
    sound: SoundFeed | None,
    say: Say,
) -> list[RoomCamera]:
    of_camera = profile.sound.microphone.camera if profile.sound.microphone else None
    found = []
    for name, source in profile.sources:
        if source is not None and source.camera is not None:
            camera: Camera = source.camera
            layers = {layer.rid: layer for layer in source.layers}
            order = list(layers)
            sorted_streams = sorted(camera.streams, key=lambda one: order.index(one.rid))
            targets = tuple(_target(source, layers[stream.rid]) for stream in sorted_streams)
            streams = {
                stream.rid: CameraFeed(packets, target, first_timestamp=rng.randrange(1 << 32))
                for stream, target, packets in zip(
                    sorted_streams,
                    targets,
                    _packet_sources(
                        camera,
                        sorted_streams,
                        targets,
                        passwords,
                        rng,
                        sound=sound.camera if sound and of_camera == name else None,
                    ),
                    strict=True,
                )
            }
            setting = _setting(camera, streams, passwords, say) if camera.onvif else None
            network = camera.kind == "rtsp"
            found.append(RoomCamera(Source(name), streams, setting, from_network=network))
    if not found and sound is None:
        raise ProfileError(
            f"the room profile {profile.name!r} has no camera; give a source a "
            f"[sources.teacher.camera] with its streams",
            f"教室配置 {profile.name!r} 中没有网络摄像机；"
            f"请为画面写上 [sources.teacher.camera] 和码流地址",
        )
    return found


def _packet_sources(
    camera: Camera,
    streams: list[CameraStream],
    targets: tuple[Target, ...],
    passwords: Mapping[str, str],
    rng: Random,
    *,
    sound: CameraSound | None,
) -> Sequence[PacketSource]:
    """Of each stream: a network camera's own, or a layer of a device of this machine. `sound` takes
    what its largest stream sends of it.
    """
    if camera.kind != "rtsp":
        return LocalDevice(camera.kind, camera.device, targets).layers
    login = _login(camera, passwords)
    return [
        NetworkCamera(
            StreamAddress.parse(stream.url),
            login,
            udp=camera.transport == "udp",
            rng=Random(rng.random()),  # noqa: S311 - numbers of streams, no secrets
            sound=sound if stream is streams[-1] else None,
        )
        for stream in streams
    ]


def _setting(
    camera: Camera,
    streams: Mapping[str, CameraFeed],
    passwords: Mapping[str, str],
    say: Say,
) -> CameraSetting:
    known = OnvifCamera(OnvifAddress.parse(camera.onvif), _login(camera, passwords))
    return CameraSetting(
        known, [SetStream(one.url, streams[one.rid]) for one in camera.streams], say
    )


def _target(source: VideoSource, layer: Layer) -> Target:
    return Target(
        width=round(source.width / layer.scale_down_by),
        height=round(source.height / layer.scale_down_by),
        frame_rate=layer.max_frame_rate,
        bitrate_bps=layer.max_bitrate_bps,
    )


def _login(camera: Camera, passwords: Mapping[str, str]) -> Login | None:
    if camera.password and camera.password not in passwords:
        raise ProfileError(
            f"the passwords' file has no {camera.password!r}, which the room profile names",
            f"密码文件中没有教室配置所用的 {camera.password!r}",
        )
    if not camera.user and not camera.password:
        return None
    return Login(camera.user, passwords.get(camera.password, ""))
