"""A recording as its journal tells it: tracks, their files and their clocks.

Sans-IO: records in, plain values out. It takes what is there: a journal may end anywhere, and a
track or a file that was never ended ended with what its file holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from recorder.errors import FinishError
from recorder.journal_time import in_one_time
from recorder.lesson_time import Placed, TrackPoints, place
from recorder.pauses import LEAST_PAUSE_S, SWITCHED_OFF
from recorder.records import (
    AnyRecord,
    ClockPoint,
    Closed,
    CountBroken,
    DiskRefused,
    Gap,
    Happened,
    Opened,
    Resumed,
    SeatRecord,
    SegmentEnded,
    SegmentStarted,
    SwitchedOff,
    SyncPoint,
    TrackEnded,
    TrackStarted,
)
from recorder.stretches import Report

_OfTrack = SegmentStarted | SegmentEnded | SyncPoint | ClockPoint | CountBroken | Gap | TrackEnded

# No track is as long as two days, nor does a packet come a minute before its track: whatever a
# journal that somebody has edited says.
_BEFORE_S, _LONGEST_S = 60.0, 2 * 86_400.0


@dataclass(slots=True)
class RecordedTrack:
    """One source from one publishing to its end. `life` counts the recorder's."""

    started: TrackStarted
    life: int = 0
    files: list[SegmentStarted] = field(default_factory=list)
    sync: list[SyncPoint] = field(default_factory=list)
    clock: list[ClockPoint] = field(default_factory=list)
    broken: list[CountBroken] = field(default_factory=list)
    frames: dict[str, int] = field(default_factory=dict)  # by file, of those closed in order
    gaps: int = 0
    ended_at: float | None = None

    @property
    def points(self) -> TrackPoints:
        """Its clock's points, in seconds of track time."""
        rate = self.started.clock_rate
        arrivals = [(point.rtp / rate, point.at) for point in self.clock]
        # Earlier recorders noted the first arrival after five seconds.
        arrivals = arrivals or [(file.rtp / rate, file.at) for file in self.files]
        is_sound = self.started.kind == "audio"
        # A picture of another size comes from another encoder, whose count the media core fits to
        # the one before as well as it can.
        breaks = [point.rtp for point in self.broken]
        if not is_sound:
            breaks += [file.rtp for file in self.files]
        return TrackPoints(
            arrivals=tuple(arrivals or [(0.0, self.started.at)]),
            reports=tuple(Report(point.rtp / rate, point.ntp, point.at) for point in self.sync),
            breaks=tuple(rtp / rate for rtp in breaks),
            ended_at=self.ended_at,
            is_sound=is_sound,
        )


@dataclass(frozen=True, slots=True)
class Standstill:
    """Nothing was recorded from `start` to `end`, Unix time; `code` is stable, `text` says why."""

    start: float
    end: float
    code: str
    text: str

    @property
    def wished(self) -> bool:
        """The lead wanted it so: the recording is complete, with a gap."""
        return self.code == SWITCHED_OFF[0]


@dataclass(slots=True)
class Archive:
    """A whole recording."""

    opened: Opened
    seats: dict[str, SeatRecord]
    tracks: list[RecordedTrack]
    events: list[dict[str, object]]
    pauses: list[Standstill] = field(default_factory=list)
    damaged_lines: int = 0  # of the journal, but for the one that a crash tears


def read_archive(records: Iterable[AnyRecord], damaged_lines: int = 0) -> Archive:
    """Put a journal's records together. Raises `FinishError` when it never says what lesson."""
    archive: Archive | None = None
    tracks: dict[str, RecordedTrack] = {}
    seen_events: set[str] = set()
    life = 0
    standstill = _Standstills()
    for record in in_one_time(records):
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
            tracks[record.track_id] = RecordedTrack(record, life)
            archive.tracks.append(tracks[record.track_id])
        elif isinstance(record, _OfTrack):
            track = tracks.get(record.track_id)
            if track is not None and not _could_be(track, record):
                damaged_lines += 1
            elif track is not None:
                _add_to_track(track, record)
        elif isinstance(record, Resumed):
            life += 1
        archive.pauses += standstill.read(record)
    if archive is None:
        raise FinishError("no-journal", "The recording's journal does not say which lesson it is.")
    archive.damaged_lines = damaged_lines
    archive.pauses = list(_within_lesson(archive))
    return archive


def _within_lesson(archive: Archive) -> Iterator[Standstill]:
    """Nothing was to be recorded after the lesson, however late its disk had room again."""
    ends = [event.get("at") for event in archive.events if event.get("type") == "lesson_ended"]
    end = min((at for at in ends if isinstance(at, int | float)), default=math.inf)
    for pause in archive.pauses:
        if pause.start < end:
            yield replace(pause, end=min(pause.end, end))


class _Standstills:
    """Finds the pauses in a journal, record by record."""

    def __init__(self) -> None:
        self._since: Standstill | None = None  # the one that has not ended
        self._last_at = 0.0  # of all records up to now
        self._closed = False

    def read(self, record: AnyRecord) -> list[Standstill]:
        """The pause that ends with this record, if one does."""
        pauses: list[Standstill] = []
        if self._closed:
            return pauses  # what comes after the lesson's end are tries to finish
        self._closed = isinstance(record, Closed)
        if isinstance(record, DiskRefused):
            self._since = self._since or Standstill(record.at, record.at, record.code, record.text)
        elif isinstance(record, SwitchedOff):
            self._since = self._since or Standstill(record.at, record.at, *SWITCHED_OFF)
        elif isinstance(record, Resumed | Closed) and self._since is not None:
            since, self._since = self._since, None
            pauses.append(replace(since, end=max(since.start, record.at)))
        elif isinstance(record, Resumed) and record.at - self._last_at >= LEAST_PAUSE_S:
            text = "The server or its recorder was not running."
            pauses.append(Standstill(self._last_at, record.at, "recorder-away", text))
        at = getattr(record, "at", None)
        if isinstance(at, float):
            self._last_at = max(self._last_at, at)
        return pauses


def _could_be(track: RecordedTrack, record: _OfTrack) -> bool:
    """Whether a packet can have come then: from no other year is silence to be filled in."""
    since_s = record.at - track.started.at if isinstance(record, ClockPoint) else 0.0
    return -_BEFORE_S <= since_s <= _LONGEST_S


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
        case CountBroken():
            track.broken.append(record)
        case TrackEnded():
            track.ended_at = record.at
        case Gap():
            track.gaps += 1


def track_times(archive: Archive) -> dict[str, Placed]:
    """For each track, the map from its track time to Unix time; devices are kept in step.

    What two lives of the recorder took never stands side by side: only within one is compared.
    """
    devices: dict[tuple[str, str, int], list[RecordedTrack]] = {}
    for track in archive.tracks:
        key = (track.started.seat_id, track.started.device_id, track.life)
        devices.setdefault(key, []).append(track)
    times: dict[str, Placed] = {}
    for (_, device_id, _), tracks in devices.items():
        maps = place([track.points for track in tracks], one_device=bool(device_id))
        for track, to_lesson in zip(tracks, maps, strict=True):
            times[track.started.track_id] = to_lesson
    return times
