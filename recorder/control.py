"""The control connection between the server and the recorder: one message type per class.

JSON lines over a Unix stream socket: each line one object with a `type`. The server sends
`Command`s, the recorder `Report`s. When the connection ends, the recorder closes its files and
goes: a server that was killed leaves no recorder behind. Sans-IO.
"""

from __future__ import annotations

from typing import Literal

from mixer.reading import control
from mixer.reading.control import (
    CloseTap,
    Message,
    Messages,
    StartTap,
    TapFailed,
    TapReady,
    encode,
)
from recorder.records import SeatRecord

__all__ = [
    "CloseRecording",
    "CloseTap",
    "Command",
    "FinishRecording",
    "Finished",
    "Finishing",
    "Hello",
    "JournalEvent",
    "Journaled",
    "Message",
    "OpenRecording",
    "OpenTap",
    "PauseRecording",
    "RecordingFailed",
    "Report",
    "Running",
    "StartTap",
    "TapFailed",
    "TapReady",
    "encode",
    "parse_command",
    "parse_report",
]


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


class OpenTap(control.OpenTap):
    """A source of this recording; `beside`: a smaller layer of what is taken at its best, too."""

    recording_id: str
    beside: bool = False


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

parse_command = Messages[Command](Command, "command").parse
parse_report = Messages[Report](Report, "report").parse
