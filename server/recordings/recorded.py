"""What the server keeps of one recording until it is in the library, and their totals."""

from __future__ import annotations

from dataclasses import dataclass, field

from recorder import control as c
from recorder.records import SeatRecord
from server.children.tapping import Tapping


@dataclass(slots=True)
class Recorded:
    """One recording between its lesson's opening and its end in the catalogue."""

    recording_id: str
    lesson_id: str
    title: str
    seats: tuple[SeatRecord, ...]
    taps: dict[str, Tapping] = field(default_factory=dict)  # by producer
    unwritten: dict[str, c.JournalEvent] = field(default_factory=dict)  # by event id, in order
    failed: bool = False  # it stands still, or could not be finished; it may be tried again
    pause: str = ""  # why it stands still, for IT
    closed: bool = False  # the lesson is over: it is being finished
    complete: bool = False  # and its journal says so: nothing but finishing is left
    told: tuple[bool, str] = (False, "")  # the lesson: is it recorded, and why not

    @property
    def running(self) -> bool:
        """Whether it really is recorded."""
        return self.told[0]


@dataclass(frozen=True, slots=True)
class RecordingTotals:
    """Where recording stands, for the metrics; recordings that are filed no longer count."""

    recorder_up: bool
    recorder_starts: int
    running: int
    waiting: int  # for the recorder, or for the first packet
    failed: int
    finishing: int
    taps: int
    unwritten_events: int
    dropped_events: int  # since the server began
