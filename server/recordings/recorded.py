"""What the server keeps of one recording until it is in the library, and the totals of all."""

from __future__ import annotations

from dataclasses import dataclass, field

from recorder import control as c
from recorder.records import SeatRecord
from server.children.tapping import Tapping
from server.recordings.phases import FOLLOWS, LIVE, RecorderPhase


@dataclass(frozen=True, slots=True)
class Interruption:
    """Something is not recorded, or was not: `code` is stable, `text` says why, for IT."""

    code: str
    text: str
    over: bool


@dataclass(slots=True)
class Recorded:
    """One recording between its lesson's opening and its end in the catalogue."""

    recording_id: str
    lesson_id: str
    title: str = ""
    seats: tuple[SeatRecord, ...] = ()
    phase: RecorderPhase = RecorderPhase.RECORDING
    taps: dict[str, Tapping] = field(default_factory=dict)  # by producer
    unwritten: dict[str, c.JournalEvent] = field(default_factory=dict)  # by event id, in order
    interruption: Interruption | None = None  # the last one
    away_since: float | None = None  # when the recorder went
    told: tuple[bool, str] = (False, "")  # the lesson: is it recorded, and why not

    @property
    def running(self) -> bool:
        """Whether it really is recorded."""
        return self.told[0]

    @property
    def live(self) -> bool:
        """Whether its lesson goes on."""
        return self.phase in LIVE

    def reach(self, phase: RecorderPhase | None) -> bool:
        """Come to this phase if it may follow; whether it did."""
        if phase is None or phase not in FOLLOWS[self.phase]:
            return False
        self.phase = phase
        return True


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
