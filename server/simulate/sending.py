"""The publish connection of a simulated seat: camera and microphone by its send profile.

Owns choosing what is sent and the offer. Leaves the wire to `link`, drawing to `scene`, encoding
to `encoding`. aiortc sends single encodings, so of a source's layers the one nearest to the
simulated picture's size gives the bit rate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiortc import (
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import SessionDescription

from server.simulate.encoding import VideoEncoder, obey_feedback
from server.simulate.media_file import FilePictures, FileSound, check_media_file
from server.simulate.reporting import report_captures
from server.simulate.scene import Scene, SceneView
from server.simulate.settings import Appearance
from server.simulate.tracks import (
    MicrophoneTrack,
    PictureSource,
    PictureTrack,
    SeatClock,
    SoundSource,
    SpeechLoop,
)
from server.simulate.voice import speech_loop
from signaling.client.peer import Peer
from signaling.protocol.messages import SendProfile, Source, SourceProfile

_DEFAULT_SIZE = (640, 360)


@dataclass(frozen=True, slots=True)
class SentPicture:
    """One picture to send: its source, size, rate and codec as decided."""

    source: Source
    width: int
    height: int
    frame_rate: float
    codec: str
    max_bitrate_bps: int


def choose_pictures(profile: SendProfile, appearance: Appearance) -> list[SentPicture]:
    """The pictures this seat sends: the profile's first cameras, or those asked for by name."""
    offered = {s.source: s for s in profile.sources if s.source is not Source.ROOM}
    if appearance.sources:
        wanted = [offered[source] for source in appearance.sources if source in offered]
    else:
        # A screen is shared when someone shares it, not by itself.
        cameras = [s for s in offered.values() if s.source is not Source.SCREEN]
        wanted = cameras[: appearance.pictures]
    return [_sent_picture(source, appearance) for source in wanted]


def _sent_picture(source: SourceProfile, appearance: Appearance) -> SentPicture:
    width, height = source.width or _DEFAULT_SIZE[0], source.height or _DEFAULT_SIZE[1]
    if height > appearance.max_height:
        width, height = width * appearance.max_height // height, appearance.max_height
    bitrates = {
        abs(source.height / layer.scale_down_by - height): layer.max_bitrate_bps
        for layer in source.encodings
    }
    return SentPicture(
        source=source.source,
        width=max(80, width // 2 * 2),
        height=max(48, height // 2 * 2),
        frame_rate=min(source.frame_rate or appearance.max_frame_rate, appearance.max_frame_rate),
        codec=source.codec if source.codec in ("H264", "VP8") else "VP8",
        max_bitrate_bps=bitrates[min(bitrates)] if bitrates else source.max_bitrate_bps or 500_000,
    )


@dataclass(slots=True)
class Studio:
    """A seat's pictures and voice, drawn once and kept over reconnections."""

    name: str
    school: str
    appearance: Appearance
    clock: SeatClock = field(default_factory=SeatClock)
    _scenes: dict[SentPicture, Scene] = field(default_factory=dict)
    _speech: SpeechLoop | None = None

    async def pictures(self, sent: SentPicture) -> PictureSource:
        """What is seen in it."""
        file = self.appearance.media_file
        if file is not None and (await asyncio.to_thread(check_media_file, file))[0]:
            return await asyncio.to_thread(
                FilePictures,
                file,
                identity=self.appearance.identity,
                width=sent.width,
                height=sent.height,
            )
        if sent not in self._scenes:
            view = SceneView(
                identity=self.appearance.identity,
                name=self.name,
                school=self.school,
                source=sent.source.value,
                width=sent.width,
                height=sent.height,
                frame_rate=sent.frame_rate,
            )
            self._scenes[sent] = await asyncio.to_thread(Scene, view)
        return self._scenes[sent]

    async def sound(self) -> SoundSource:
        """What the microphone hears."""
        file = self.appearance.media_file
        if file is not None and (await asyncio.to_thread(check_media_file, file))[1]:
            return FileSound(file)
        if self._speech is None:
            loop = await asyncio.to_thread(speech_loop, self.appearance.identity)
            self._speech = SpeechLoop(loop)
        return self._speech


class SimulatedSending(Peer):
    """One publish connection. `offer`, then `take_answer`, then it sends until `close`."""

    def __init__(self, clock: SeatClock | None = None) -> None:
        super().__init__()
        self._clock = clock or SeatClock()
        self._pictures: list[tuple[RTCRtpTransceiver, SentPicture, PictureTrack]] = []
        self._sources: list[tuple[RTCRtpTransceiver, Source]] = []

    def add_microphone(self, sound: SoundSource, talks: Callable[[], bool]) -> None:
        track = MicrophoneTrack(sound, talks, self._clock)
        transceiver = self.connection.addTransceiver(track, direction="sendonly")
        report_captures(transceiver.sender, track)
        self._sources.append((transceiver, Source.ROOM))

    def add_picture(
        self, sent: SentPicture, pictures: PictureSource, hand_is_up: Callable[[], bool]
    ) -> None:
        encoder = _encoder(sent, sent.codec)
        track = PictureTrack(pictures, encoder, hand_is_up, self._clock)
        transceiver = self.connection.addTransceiver(track, direction="sendonly")
        report_captures(transceiver.sender, track)
        transceiver.setCodecPreferences(_preferences(sent.codec))
        self._pictures.append((transceiver, sent, track))
        self._sources.append((transceiver, sent.source))

    @property
    def pictures_sent(self) -> int:
        """Of all its cameras together."""
        return sum(track.pictures for _, _, track in self._pictures)

    async def offer(self) -> tuple[str, dict[str, Source]]:
        """The SDP offer, and the source of each of its m-lines by mid."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        sources = {t.mid: source for t, source in self._sources if t.mid is not None}
        return self.connection.localDescription.sdp, sources

    async def take_answer(self, sdp: str) -> None:
        """Begin to send, each picture in the codec the server chose."""
        codecs = {
            media.rtp.muxId: media.rtp.codecs[0].mimeType.removeprefix("video/").upper()
            for media in SessionDescription.parse(sdp).media
            if media.kind == "video" and media.rtp.codecs
        }
        for transceiver, sent, track in self._pictures:
            encoder = _encoder(sent, codecs.get(transceiver.mid or "", sent.codec))
            track.use_encoder(encoder)
            obey_feedback(transceiver.sender, encoder)
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await self.until_connected()

    def need(self, mid: str, layers: int) -> None:
        """It sends one layer of each picture: the smallest, which is always needed."""


def _encoder(sent: SentPicture, codec: str) -> VideoEncoder:
    return VideoEncoder(codec, sent.width, sent.height, sent.frame_rate, sent.max_bitrate_bps)


def _preferences(codec: str) -> list[RTCRtpCodecCapability]:
    """The codec first, then the other one we can encode, then retransmission."""
    known = RTCRtpSender.getCapabilities("video").codecs
    order = [f"video/{codec}", "video/H264", "video/VP8", "video/rtx"]
    usable = [c for c in known if c.mimeType in order]
    return sorted(usable, key=lambda c: order.index(c.mimeType))
