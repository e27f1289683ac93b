"""What the server keeps of one recording until it is in the library, and the totals of all."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from recorder import control as c
from recorder.pauses import SWITCHED_OFF
from recorder.records import SeatRecord
from server.children.tapping import Tapping
from server.recordings.phases import FOLLOWS, LIVE, RecorderPhase
from signaling.log.entries import AnyEntry, LessonRunning, RecordingSwitched
from signaling.ports import LessonPlan

# Events kept for a recorder that is away, or for a recording that may begin: more than a lesson has
# in an hour.
MAX_UNWRITTEN_EVENTS = 10_000
# What a tap may begin with is at most eight seconds old (`mixer.pump`).
PAST_S = 10.0


@dataclass(frozen=True, slots=True)
class Interruption:
    """Something is not recorded, or was not: `code` is stable, `text` says why, for IT."""

    code: str
    text: str
    over: bool

    @property
    def wished(self) -> bool:
        """The lead wants it so: nothing is amiss."""
        return self.code == SWITCHED_OFF[0]


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
    switched_off: bool = False  # by the lead: nothing goes on by itself
    wanted_since: float = -math.inf  # since the lesson began, or was switched on again
    told: tuple[bool, str] = (False, "")  # the lesson: is it recorded, and why not

    @property
    def running(self) -> bool:
        """Whether it really is recorded."""
        return self.told[0]

    @property
    def live(self) -> bool:
        """Whether its lesson goes on."""
        return self.phase in LIVE

    def takes_past(self, now: float) -> bool:
        """Whether pictures that the media core has kept are of a time that is to be recorded."""
        return now - self.wanted_since >= PAST_S

    @property
    def told_interruption(self) -> Interruption | None:
        """What the library says: switched off is a state, and afterwards nothing is missing."""
        if self.switched_off:
            return Interruption(*SWITCHED_OFF, over=False)
        return self.interruption

    def reach(self, phase: RecorderPhase | None) -> bool:
        """Come to this phase if it may follow; whether it did."""
        if phase is None or phase not in FOLLOWS[self.phase]:
            return False
        self.phase = phase
        return True


@dataclass(slots=True)
class Unrecorded:
    """A lesson of which nothing is recorded yet, and what its recording would begin with."""

    plan: LessonPlan
    wanted: bool
    led: bool = False  # the lead has been here
    events: deque[AnyEntry] = field(default_factory=lambda: deque(maxlen=MAX_UNWRITTEN_EVENTS))
    sources: dict[str, tuple[str, str]] = field(default_factory=dict)  # seat, source by producer

    def begins_with(self, entry: AnyEntry) -> bool:
        """Whether this entry begins the recording: what comes before the lead is no lesson."""
        self.events.append(entry)
        self.led = self.led or isinstance(entry, LessonRunning)
        if isinstance(entry, RecordingSwitched):
            self.wanted = entry.recording
        return self.led and self.wanted


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
