"""A room's hardware profile: which sources it sends, how large, how often, how many bits.

Owns the schema of `rooms/*.toml` and the rule which sources go out in which mode of lesson.
Leaves reading files to `loader`, the words of the lesson protocol to the server.
Every key is described in `docs/hardware_profiles.md`; a test holds that page to these classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hardware_profiles.camera import Camera
from hardware_profiles.model import ProfileModel, Title, rule_broken
from hardware_profiles.sound import Loudspeaker, Microphone

Mode = Literal["blended", "delivery", "research"]
Role = Literal["lead", "room", "assistant", "observer"]
VideoSourceName = Literal["teacher", "students", "board", "screen"]
Codec = Literal["H264", "VP8"]
FirstLayout = Literal["speaker", "wall", "screen"]

VIDEO_SOURCES: tuple[VideoSourceName, ...] = ("teacher", "students", "board", "screen")

# What goes out when the profile does not say: first the mode, then the role. A delivered lesson
# shows one teacher to rooms without one; a blended lesson has teachers on both sides; teachers who
# meet show their faces. Observers send nothing, whatever a profile says.
_USUAL_SENDING: dict[Mode, dict[Role, tuple[VideoSourceName, ...]]] = {
    "blended": {
        "lead": ("teacher", "students", "board", "screen"),
        "room": ("students", "teacher", "screen"),
        "assistant": ("students", "screen"),
    },
    "delivery": {
        "lead": ("teacher", "board", "screen"),
        "room": ("students",),
        "assistant": ("students",),
    },
    "research": {
        "lead": ("teacher", "screen"),
        "room": ("teacher", "screen"),
        "assistant": ("teacher", "screen"),
    },
}


class Layer(ProfileModel):
    """One simulcast encoding of a source."""

    rid: Annotated[str, Field(pattern=r"^[a-z0-9]{1,8}$")]
    scale_down_by: Annotated[float, Field(ge=1, le=16)]
    max_bitrate_bps: Annotated[int, Field(ge=20_000, le=20_000_000)]
    max_frame_rate: Annotated[float, Field(ge=1, le=60)]


class VideoSource(ProfileModel):
    """How one camera (or the screen) is captured, and its layers, smallest first."""

    width: Annotated[int, Field(ge=160, le=3840, multiple_of=2)]
    height: Annotated[int, Field(ge=90, le=2160, multiple_of=2)]
    frame_rate: Annotated[float, Field(ge=1, le=60)]
    codec: Codec = "H264"
    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=3)]
    camera: Camera | None = None

    def camera_of(self, layers: tuple[Layer, ...]) -> Camera | None:
        """The camera with the streams of these layers alone; None when none is left."""
        if self.camera is None:
            return None
        rids = {layer.rid for layer in layers}
        streams = tuple(stream for stream in self.camera.streams if stream.rid in rids)
        return self.camera.model_copy(update={"streams": streams}) if streams else None

    @property
    def max_bitrate_bps(self) -> int:
        """All layers together: what the source may take of the room's line."""
        return sum(layer.max_bitrate_bps for layer in self.layers)

    @model_validator(mode="after")
    def _layers_grow(self) -> Self:
        scales = [layer.scale_down_by for layer in self.layers]
        if len({layer.rid for layer in self.layers}) < len(self.layers):
            raise rule_broken("two layers have the same rid", "有两个层的 rid 相同", "layers")
        if any(low <= high for low, high in pairwise(scales)):
            raise rule_broken(
                "layers must go from the smallest picture to the largest: scale_down_by falls",
                "层须由小到大排列：scale_down_by 依次减小",
                "layers",
            )
        if any(layer.max_frame_rate > self.frame_rate for layer in self.layers):
            raise rule_broken(
                f"a layer's max_frame_rate is above the source's frame_rate ({self.frame_rate:g})",
                f"某层的 max_frame_rate 高于这路画面的 frame_rate（{self.frame_rate:g}）",
                "layers",
            )
        return self

    @model_validator(mode="after")
    def _camera_gives_layers(self) -> Self:
        if self.camera is None:
            return self
        if self.codec != "H264":
            raise rule_broken(
                "a network camera's picture goes on as H264; remove this key",
                "网络摄像机的画面以 H264 原样发送；请删去这一项",
                "codec",
            )
        rids = [layer.rid for layer in self.layers]
        for place, stream in enumerate(self.camera.streams):
            if stream.rid not in rids:
                raise rule_broken(
                    f"there is no layer {stream.rid!r}; the layers are {', '.join(rids)}",
                    f"没有 {stream.rid!r} 这一层；现有：{', '.join(rids)}",
                    "camera",
                    "streams",
                    place,
                    "rid",
                )
        return self


class Sources(ProfileModel):
    """The pictures a room has. What is not named, the room has not got."""

    teacher: VideoSource | None = None
    students: VideoSource | None = None
    board: VideoSource | None = None
    screen: VideoSource | None = None


class Sound(ProfileModel):
    """How the room's sound is taken and sent (Opus, RFC 7587)."""

    # Below 16 kb/s Opus is telephone speech; 128 kb/s stereo is music no line here needs more than.
    max_bitrate_bps: Annotated[int, Field(ge=12_000, le=128_000)] = 40_000
    channels: Literal[1, 2] = 1
    echo_cancellation: bool = True
    noise_suppression: bool = True
    auto_gain_control: bool = True
    microphone: Microphone | None = None  # of the room agent; without it the room page has it
    loudspeaker: Loudspeaker | None = None

    @model_validator(mode="after")
    def _echo_can_be_cancelled(self) -> Self:
        if self.microphone is None and self.loudspeaker is not None:
            raise rule_broken(
                "the room agent plays only where it has the microphone: add [sound.microphone]",
                "教室程序只在自己采集声音时才播放；请写上 [sound.microphone]",
                "loudspeaker",
            )
        if self.microphone is not None and self.echo_cancellation and self.loudspeaker is None:
            raise rule_broken(
                "the room agent cannot cancel the echo of what it does not play: add "
                "[sound.loudspeaker], or write echo_cancellation = false where the room's sound "
                "processor does it",
                "教室程序无法消除不由它播放的声音的回声；请写上 [sound.loudspeaker]，"
                "或在教室自有音频处理器时写 echo_cancellation = false",
                "microphone",
            )
        return self


class SendRule(ProfileModel):
    """Which pictures go out in one mode, for each role. A role left out keeps the usual rule."""

    lead: tuple[VideoSourceName, ...] | None = None
    room: tuple[VideoSourceName, ...] | None = None
    assistant: tuple[VideoSourceName, ...] | None = None


class SendRules(ProfileModel):
    """`SendRule` for each mode of lesson."""

    blended: SendRule = SendRule()
    delivery: SendRule = SendRule()
    research: SendRule = SendRule()


class RoomProfile(ProfileModel):
    """A kind of room: what it has, what of that it sends, and whether it shows the others' pictures
    or the lesson's program.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]  # the file's name
    title_zh: Title
    title_en: Title
    description_zh: Annotated[str, Field(max_length=400)] = ""
    description_en: Annotated[str, Field(max_length=400)] = ""
    link: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$")] = ""  # a line of `links/`
    pc: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,40}$")] = ""  # a machine of `pcs/`
    sound: Sound = Sound()
    sources: Sources = Sources()
    send: SendRules = SendRules()
    receives: Literal["pictures", "program", "either"] = "pictures"
    # Lines of the largest picture it is sent; 0: any. Usually its PC says it.
    largest_shown: Annotated[int, Field(ge=0, le=2160)] = 0
    # How pictures stand when a lesson begins that is led from here.
    layout: FirstLayout = "speaker"

    @model_validator(mode="after")
    def _sends_what_it_has(self) -> Self:
        for mode, sending in self.send:
            for role, names in sending:
                for name in names or ():
                    if self.source(name) is None:
                        raise rule_broken(
                            f"names {name!r}, but there is no [sources.{name}]",
                            f"提到 {name!r}，但没有 [sources.{name}]",
                            "send",
                            mode,
                            role,
                        )
        return self

    @model_validator(mode="after")
    def _microphone_is_a_camera_it_has(self) -> Self:
        microphone = self.sound.microphone
        if microphone is None or microphone.camera is None:
            return self
        source = self.source(microphone.camera)
        if source is None or source.camera is None or source.camera.kind != "rtsp":
            raise rule_broken(
                f"[sources.{microphone.camera}.camera] is no network camera",
                f"[sources.{microphone.camera}.camera] 不是网络摄像机",
                "sound",
                "microphone",
                "camera",
            )
        return self

    def source(self, name: VideoSourceName) -> VideoSource | None:
        """The source of this name, None when the room has no such camera."""
        found: VideoSource | None = getattr(self.sources, name)
        return found

    def sends(self, mode: Mode, role: Role) -> tuple[VideoSourceName, ...]:
        """The pictures a seat with this hardware sends in such a lesson, the main one first.

        What the profile says; else the usual rule for mode and role, kept to what the room has.
        A room with one camera in another place than usual sends that one: nobody sits unseen.
        """
        if role == "observer":
            return ()
        said: tuple[VideoSourceName, ...] | None = getattr(getattr(self.send, mode), role)
        if said is not None:
            return said
        usual = tuple(n for n in _USUAL_SENDING[mode][role] if self.source(n) is not None)
        if any(name != "screen" for name in usual):
            return usual
        cameras = (name for name in VIDEO_SOURCES if name != "screen")
        seen = tuple(name for name in cameras if self.source(name) is not None)[:1]
        return seen + usual


def sending_roles() -> Iterator[tuple[Mode, Role]]:
    """Every mode of lesson with every role that sends in it."""
    for mode, roles in _USUAL_SENDING.items():
        for role in roles:
            yield mode, role
