"""What a journal says: one class per record.

Times named `at` are Unix seconds by the recorder's clock. `rtp` values are RTP timestamps of one
track, unwrapped (they count on past 2**32); they mean nothing outside their track. A reader skips
types and members it does not know: a newer recorder may write more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

FORMAT_VERSION = 1

# Where the lesson's own picture and sound (its program) are said to sit: at no seat of a lesson,
# whose ids are longer. A program is one for all who watch, so its name stands in both languages.
PROGRAM_SEAT = "program"
PROGRAM_SOURCE = "program"  # of its picture (`LessonSource`)
PROGRAM_NAME = "节目 · Program"


# Unwrapped from 32 bits; no sender comes near what 64 hold, and nothing else can count it.
_Timestamp = Annotated[int, Field(ge=-(1 << 62), le=1 << 62)]


class Record(BaseModel):
    """A line of the journal."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SeatRecord(Record):
    """A planned seat, for the names beside the pictures."""

    seat_id: str
    role: str = ""
    name: str = ""
    school: str = ""


class Opened(Record):
    """The first line: which lesson this is."""

    type: Literal["opened"] = "opened"
    version: int = FORMAT_VERSION
    recording_id: str
    lesson_id: str
    title: str = ""
    at: float
    seats: tuple[SeatRecord, ...] = ()


class Resumed(Record):
    """The recorder is back after a crash or a restart; what was open then had ended."""

    type: Literal["resumed"] = "resumed"
    at: float


class Happened(Record):
    """An event of the lesson. `event_id` tells one that was sent twice over a restart."""

    type: Literal["happened"] = "happened"
    event_id: str
    event: dict[str, object]


class TrackStarted(Record):
    """A source is being received from here on. `device_id` may be unknown (empty)."""

    type: Literal["track_started"] = "track_started"
    at: float
    track_id: str
    seat_id: str
    source: str
    producer_id: str
    device_id: str = ""
    kind: Literal["audio", "video"]
    codec: str
    clock_rate: Annotated[int, Field(gt=0)]
    channels: int = 0
    beside: bool = False  # a smaller layer of a picture that is recorded at its best, too


# As a track's files are named. What leads elsewhere was written by somebody else: such a line is
# passed over, as one of a type that is not known.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+\.(mp4|webm)$", max_length=255)]


class SegmentStarted(Record):
    """A file of a track. Its timestamp 0 is the track's `rtp`; its ticks are the track's clock."""

    type: Literal["segment_started"] = "segment_started"
    at: float
    track_id: str
    file: FileName
    rtp: _Timestamp
    width: int = 0
    height: int = 0


class SegmentEnded(Record):
    """A file of a track was closed in order; `rtp` is the end of its last frame."""

    type: Literal["segment_ended"] = "segment_ended"
    at: float
    track_id: str
    file: FileName
    rtp: _Timestamp
    frames: int


class SyncPoint(Record):
    """A sender report: at timestamp `rtp` the sender's own clock showed `ntp` (Unix seconds).

    It came at `at`; earlier recorders did not note that.
    """

    type: Literal["sync"] = "sync"
    track_id: str
    rtp: _Timestamp
    ntp: float
    at: float | None = None


class ClockPoint(Record):
    """A first packet, or the least delayed one of some seconds: timestamp `rtp` arrived at `at`."""

    type: Literal["clock"] = "clock"
    track_id: str
    rtp: _Timestamp
    at: float


class CountBroken(Record):
    """The sender began to count anew: from `rtp` on timestamps have nothing to do with before."""

    type: Literal["count_broken"] = "count_broken"
    at: float
    track_id: str
    rtp: _Timestamp


class Gap(Record):
    """Media is missing from `rtp` on: lost, unreadable, or not taken by a slow disk."""

    type: Literal["gap"] = "gap"
    at: float
    track_id: str
    rtp: _Timestamp
    reason: Literal["lost", "unreadable", "reordered", "overflow"]
    packets: int = 0


class TrackEnded(Record):
    """A source is no longer received."""

    type: Literal["track_ended"] = "track_ended"
    at: float
    track_id: str
    packets: int = 0
    lost_packets: int = 0
    dropped_frames: int = 0


class DiskRefused(Record):
    """The disk refused at `at`; nothing was recorded from then until the next `Resumed`.

    It is written when the disk takes it, so it stands right before that.
    """

    type: Literal["failed"] = "failed"
    at: float
    code: str
    text: str


class SwitchedOff(Record):
    """The recording was switched off at `at`; nothing is recorded until the next `Resumed`."""

    type: Literal["switched_off"] = "switched_off"
    at: float


class Closed(Record):
    """The lesson is over: the recording can be finished."""

    type: Literal["closed"] = "closed"
    at: float


AnyRecord = (
    Opened
    | Resumed
    | Happened
    | TrackStarted
    | SegmentStarted
    | SegmentEnded
    | SyncPoint
    | ClockPoint
    | CountBroken
    | Gap
    | TrackEnded
    | DiskRefused
    | SwitchedOff
    | Closed
)

_record: TypeAdapter[AnyRecord] = TypeAdapter(Annotated[AnyRecord, Field(discriminator="type")])


def to_line_members(record: AnyRecord) -> dict[str, object]:
    """A record as the members of a journal line."""
    return record.model_dump(mode="json")


def parse_records(lines: Iterable[dict[str, object]]) -> tuple[list[AnyRecord], int]:
    """The records of a journal's lines, and how many lines are of no type known here."""
    records: list[AnyRecord] = []
    unknown = 0
    for line in lines:
        try:
            records.append(_record.validate_python(line, strict=False))
        except ValidationError:
            unknown += 1
    return records, unknown
