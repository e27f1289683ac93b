"""A recording as its journal tells it: tracks, their files and their clocks.

Sans-IO: records in, plain values out. It takes what is there: a journal may end anywhere, and a
track or a file that was never ended ended with what its file holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from recorder.clock import TimeMap, TrackPoints, lesson_times, share_clock
from recorder.errors import FinishError
from recorder.records import (
    AnyRecord,
    ClockPoint,
    Closed,
    Failed,
    Gap,
    Happened,
    Opened,
    SeatRecord,
    SegmentEnded,
    SegmentStarted,
    SyncPoint,
    TrackEnded,
    TrackStarted,
)

# A slow PC sends its screen most of a second after it was captured, its sound at once. A clock
# set anew is off by more.
SAME_DEVICE_S = 1.0

# Where nobody says which device sent a track: clocks this near are as good as one.
SAME_CLOCK_S = 0.3


_OfTrack = SegmentStarted | SegmentEnded | SyncPoint | ClockPoint | Gap | TrackEnded


@dataclass(slots=True)
class RecordedTrack:
    """One source from one publishing to its end."""

    started: TrackStarted
    files: list[SegmentStarted] = field(default_factory=list)
    sync: list[SyncPoint] = field(default_factory=list)
    clock: list[ClockPoint] = field(default_factory=list)
    frames: dict[str, int] = field(default_factory=dict)  # by file, of those closed in order
    gaps: int = 0
    packets: int = 0
    ended_at: float | None = None

    @property
    def lasted_s(self) -> float:
        """How long it was received; 0 when nobody wrote its end."""
        return 0.0 if self.ended_at is None else self.ended_at - self.started.at

    @property
    def points(self) -> TrackPoints:
        """Its clock's points, in seconds of track time."""
        rate = self.started.clock_rate
        return TrackPoints(
            sync=tuple((point.rtp / rate, point.ntp) for point in self.sync),
            clock=tuple((point.rtp / rate, point.at) for point in self.clock),
        )


@dataclass(slots=True)
class Archive:
    """A whole recording."""

    opened: Opened
    seats: dict[str, SeatRecord]
    tracks: list[RecordedTrack]
    events: list[dict[str, object]]
    failure: str = ""
    closed: bool = False


def read_archive(records: Iterable[AnyRecord]) -> Archive:
    """Put a journal's records together. Raises `FinishError` when it never says what lesson."""
    archive: Archive | None = None
    tracks: dict[str, RecordedTrack] = {}
    seen_events: set[str] = set()
    for record in records:
        if archive is None:
            if not isinstance(record, Opened):
                continue
            seats = {seat.seat_id: seat for seat in record.seats}
            archive = Archive(record, seats, [], [])
        elif isinstance(record, Happened):
            if record.event_id not in seen_events:
                seen_events.add(record.event_id)
                archive.events.append(record.event)
        elif isinstance(record, TrackStarted):
            tracks[record.track_id] = RecordedTrack(record)
            archive.tracks.append(tracks[record.track_id])
        elif isinstance(record, Failed):
            archive.failure = record.text
        elif isinstance(record, Closed):
            archive.closed = True
        elif isinstance(record, _OfTrack):
            track = tracks.get(record.track_id)
            if track is not None:
                _add_to_track(track, record)
    if archive is None:
        raise FinishError("no-journal", "The recording's journal does not say which lesson it is.")
    return archive


def _add_to_track(track: RecordedTrack, record: _OfTrack) -> None:
    match record:
        case SegmentStarted():
            track.files.append(record)
        case SegmentEnded():
            track.frames[record.file] = record.frames
        case SyncPoint():
            track.sync.append(record)
        case ClockPoint():
            track.clock.append(record)
        case TrackEnded():
            track.packets, track.ended_at = record.packets, record.at
        case Gap():
            track.gaps += 1


def track_times(archive: Archive) -> dict[str, TimeMap]:
    """For each track, the map from its track time to Unix time; devices are kept in step."""
    times: dict[str, TimeMap] = {}
    for group in _device_groups(archive.tracks):
        maps = lesson_times([track.points for track in group])
        for track, to_lesson in zip(group, maps, strict=True):
            times[track.started.track_id] = to_lesson
    return times


def _device_groups(tracks: list[RecordedTrack]) -> list[list[RecordedTrack]]:
    """Tracks that are timed by one clock.

    A device keeps its clock over a reconnection, but not over its own restart, and whether it did
    is seen from the clocks: so the same device, or an unknown one, is one only if they agree.
    """
    groups: list[list[RecordedTrack]] = []
    for track in tracks:
        for group in groups:
            if _same_device(group[0], track):
                group.append(track)
                break
        else:
            groups.append([track])
    return groups


def _same_device(a: RecordedTrack, b: RecordedTrack) -> bool:
    if a.started.seat_id != b.started.seat_id:
        return False
    if a.started.device_id and b.started.device_id and a.started.device_id != b.started.device_id:
        return False
    known = bool(a.started.device_id and b.started.device_id)
    return share_clock(a.points, b.points, within_s=SAME_DEVICE_S if known else SAME_CLOCK_S)
