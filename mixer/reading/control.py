"""The control connection of a process that reads taps, as far as they all have it alike.

JSON lines over a Unix stream socket: each line one object with a `type`, a message class each. The
two ends are always of one version. Sans-IO.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mixer.model import TapInfo
from mixer.reading.errors import ControlError

# The longest lines are a chat line with its envelope, and a scene of a hundred seats with long
# names, some 30 kB.
MAX_LINE_BYTES = 1 << 20


class Message(BaseModel):
    """Strict: what is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Said = TypeVar("Said")


class Messages(Generic[Said]):
    """All that one end may say."""

    def __init__(self, of: Any, name: str) -> None:
        """`of` is the union of its message classes, `name` is how an error calls one of them."""
        self._name = name
        self._any: TypeAdapter[Said] = TypeAdapter(Annotated[of, Field(discriminator="type")])

    def parse(self, line: bytes) -> Said:
        """One message. Raises `ControlError`."""
        try:
            return self._any.validate_json(line)
        except ValidationError as error:
            raise ControlError(f"not a {self._name}: {error}") from error


def encode(message: Message) -> bytes:
    """One message as a line."""
    return message.model_dump_json().encode() + b"\n"


class LineSplitter:
    """Bytes of a stream in, whole lines (without their newline) out."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises `ControlError` on one over the limit."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._limit or any(len(line) > self._limit for line in lines):
            self._rest = b""
            raise ControlError(f"a control line of more than {self._limit} bytes")
        return lines


# --- taps: what the server says of them, and what is answered ------------------------------------


class OpenTap(Message):
    """Bind a datagram socket at `socket_path` for a source. Answered by `TapReady` or `TapFailed`.

    `source` is its name in the seat.
    """

    type: Literal["open_tap"] = "open_tap"
    track_id: str
    socket_path: str
    seat_id: str
    source: str
    producer_id: str


class StartTap(Message):
    """What the media core sends there from now on: `mixer.model.TapInfo`."""

    type: Literal["start_tap"] = "start_tap"
    track_id: str
    device_id: str = ""
    kind: Literal["audio", "video"]
    codec: str
    payload_type: int
    clock_rate: Annotated[int, Field(gt=0)]
    channels: int
    ssrc: int
    fmtp: str = ""
    feedback_path: str = ""  # of the core's socket that takes requests for keyframes
    audio_level_id: int = 0

    @classmethod
    def of(cls, track_id: str, info: TapInfo) -> StartTap:
        """As the media core describes it."""
        return cls(
            track_id=track_id,
            device_id=info.device_id,
            kind=info.kind.value,
            codec=info.codec,
            payload_type=info.payload_type,
            clock_rate=info.clock_rate,
            channels=info.channels,
            ssrc=info.ssrc,
            fmtp=info.fmtp,
            feedback_path=info.feedback_path,
            audio_level_id=info.audio_level_id,
        )


class CloseTap(Message):
    """The source is gone: finish with what came, and unbind."""

    type: Literal["close_tap"] = "close_tap"
    track_id: str


class TapReady(Message):
    """The tap's socket is bound: media may be sent there."""

    type: Literal["tap_ready"] = "tap_ready"
    track_id: str


class TapFailed(Message):
    """This source cannot be taken; the others are.

    With `passes` what keeps it is not the source's (a file system that is full): it may be offered
    again.
    """

    type: Literal["tap_failed"] = "tap_failed"
    track_id: str
    text: str
    passes: bool = False
