"""The control connection between the server and the recorder: one message type per class.

JSON lines over a Unix stream socket: each line one object with a `type`. The server sends
`Command`s, the recorder `Report`s. When the connection ends, the recorder closes its files and
goes: a server that was killed leaves no recorder behind. Sans-IO.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from recorder.errors import ControlError
from recorder.records import SeatRecord

# An event of a lesson is small; the longest line is a chat line with its envelope.
MAX_LINE_BYTES = 1 << 20


class Message(BaseModel):
    """Strict: the two ends are always of one version."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- what the server says -----------------------------------------------------------------------


class OpenRecording(Message):
    """Record this lesson into `folder` (made if missing, gone on with if there).

    Said again after a `RecordingFailed` it goes on as soon as the disk takes it, after a
    `PauseRecording` at once.
    """

    type: Literal["open"] = "open"
    recording_id: str
    folder: str
    lesson_id: str
    title: str = ""
    seats: tuple[SeatRecord, ...] = ()


class JournalEvent(Message):
    """An event of the lesson for the journal. Answered by `Journaled`."""

    type: Literal["event"] = "event"
    recording_id: str
    event_id: str
    event: dict[str, object]


class OpenTap(Message):
    """Bind a datagram socket at `socket_path` for a source. Answered by `TapReady`."""

    type: Literal["open_tap"] = "open_tap"
    recording_id: str
    track_id: str
    socket_path: str
    seat_id: str
    source: str
    producer_id: str


class StartTap(Message):
    """What the media core sends there from now on."""

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


class CloseTap(Message):
    """The source is gone: finish its track and unbind."""

    type: Literal["close_tap"] = "close_tap"
    track_id: str


class PauseRecording(Message):
    """Record no more of this lesson until `OpenRecording` is said again: it was switched off."""

    type: Literal["pause"] = "pause"
    recording_id: str


class CloseRecording(Message):
    """The lesson is over: close all of it and finish it.

    Answered by `Finished` or `RecordingFailed`. After the latter all of it may be said again, from
    `OpenRecording` on.
    """

    type: Literal["close"] = "close"
    recording_id: str


class FinishRecording(Message):
    """Finish a recording that an earlier process left (its lesson is over)."""

    type: Literal["finish"] = "finish"
    recording_id: str
    folder: str


# --- what the recorder says ---------------------------------------------------------------------


class Hello(Message):
    """The recorder is there."""

    type: Literal["hello"] = "hello"
    pid: int


class Journaled(Message):
    """The event is in the journal."""

    type: Literal["journaled"] = "journaled"
    event_id: str


class TapReady(Message):
    """The tap's socket is bound: media may be sent there."""

    type: Literal["tap_ready"] = "tap_ready"
    track_id: str


class TapFailed(Message):
    """This source cannot be recorded; the others are."""

    type: Literal["tap_failed"] = "tap_failed"
    track_id: str
    text: str


class Running(Message):
    """The recording's files are open and the disk takes them."""

    type: Literal["running"] = "running"
    recording_id: str


class RecordingFailed(Message):
    """The recording has stopped, or could not be finished. `code` is stable."""

    type: Literal["failed"] = "failed"
    recording_id: str
    code: str
    text: str


class Finishing(Message):
    """The recording is closed and is being made playable."""

    type: Literal["finishing"] = "finishing"
    recording_id: str


class Finished(Message):
    """`manifest.json` stands in the recording's folder, with all it names."""

    type: Literal["finished"] = "finished"
    recording_id: str


Command = (
    OpenRecording
    | JournalEvent
    | OpenTap
    | StartTap
    | CloseTap
    | PauseRecording
    | CloseRecording
    | FinishRecording
)
Report = Hello | Journaled | TapReady | TapFailed | Running | RecordingFailed | Finishing | Finished

_command: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
_report: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="type")])


def encode(message: Command | Report) -> bytes:
    """One message as a line."""
    return message.model_dump_json().encode() + b"\n"


def parse_command(line: bytes) -> Command:
    """A line from the server. Raises `ControlError`."""
    try:
        return _command.validate_json(line)
    except ValidationError as error:
        raise ControlError(f"not a command: {error}") from error


def parse_report(line: bytes) -> Report:
    """A line from the recorder. Raises `ControlError`."""
    try:
        return _report.validate_json(line)
    except ValidationError as error:
        raise ControlError(f"not a report: {error}") from error


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
