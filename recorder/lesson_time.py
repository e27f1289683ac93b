"""Where a track's frames stand in the lesson: from track time (timestamp over clock rate) to ours.

Three kinds of things are known of a track. *Arrivals*: the least delayed packets of every few
seconds; they alone say where its time lies in ours. *Breaks*: timestamps from which on its count
has nothing to do with before. *Reports*: the sender's claims of what its own clock showed at a
timestamp (RFC 3550 §6.4.1).

A track is placed by its arrivals, always. A report is a claim: it relates the tracks of one device
to each other, because the same clock is read for both. So where a picture and a sound of one device
have reports at about the same moment, their difference says how much longer the one was on its way
than the other, and the later one is moved back by that, never by more than a line or a slow encoder
could delay it. What the sender's clock is set to, and how often it is set anew, does not matter.

Where a sender's count went on evenly is found by `stretches`. Sans-IO; all times in seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from mixer.reading.least_delay import LEAST_DELAY_WINDOW_S
from recorder.straight_line import Point, StraightLine, fit_line
from recorder.stretches import MAX_DELAY_S, MAX_KEPT_S, Report, stretches, without_burst

if TYPE_CHECKING:  # the server reads journals with this, and places nothing
    import numpy as np
    import numpy.typing as npt

TimeMap = Callable[[float], float]

# Where nobody says which device sent a track, clocks this near are as good as one.
SAME_CLOCK_S = 0.3

# Senders report every second to every five; two reports within this speak of one moment.
_TOGETHER_S = 6.0

# A report speaks of about now. What speaks of another time is a stale or an invented one.
_REPORT_AGE_S = 3.0

# When the recorder is killed, the last point noted may be that of a whole window before the one
# that was going on, and the least delayed packet of a window may be its first.
_LAST_WINDOWS_S = 2 * LEAST_DELAY_WINDOW_S + 1.0


@dataclass(frozen=True, slots=True)
class TrackPoints:
    """All that is known of one track's time."""

    arrivals: tuple[Point, ...]  # (track time, when it came)
    reports: tuple[Report, ...] = ()
    breaks: tuple[float, ...] = ()
    ended_at: float | None = None  # when it was closed, if it was in order
    is_sound: bool = False


class Placed:
    """A track on the lesson's time line: track time in, Unix time out.

    Never outside the span in which its packets came, whatever its timestamps say.
    """

    def __init__(self, points: TrackPoints) -> None:
        """Places it by its arrivals. Raises `ValueError` without any."""
        arrivals = points.arrivals if points.is_sound else without_burst(points.arrivals)
        self.stretches = stretches(arrivals, points.breaks, points.reports)
        self._begins = [stretch.begins for stretch in self.stretches]
        first, last = min(at for _, at in points.arrivals), max(at for _, at in points.arrivals)
        self._earliest = first - MAX_DELAY_S
        if len(arrivals) < len(points.arrivals):
            self._earliest -= self._kept_before(min(points.arrivals))
        ended_at = last + _LAST_WINDOWS_S if points.ended_at is None else points.ended_at
        self._latest = max(last, ended_at)
        self._delays: list[StraightLine | None] = [None] * len(self.stretches)
        self._delay = 0.0  # of all of it

    def _kept_before(self, first: Point) -> float:
        """For how long the first packet had been kept when the tap began with it."""
        x, at = first
        return max(0.0, min(MAX_KEPT_S, at - self.stretches[0].arrival(x)))

    def __call__(self, x: float) -> float:
        index = max(0, bisect_right(self._begins, x) - 1)
        stretch, delay = self.stretches[index], self._delays[index]
        late = self._delay + (delay(x) if delay is not None else 0.0)
        at = stretch.arrival(x) - max(0.0, min(MAX_DELAY_S, late))
        return max(self._earliest, min(self._latest, at))

    def many(self, xs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Each of them as a call gives it."""
        import numpy as np  # noqa: PLC0415 - see above

        which = np.maximum(0, np.searchsorted(self._begins, xs, side="right") - 1)
        at = np.empty_like(xs)
        for index in np.unique(which).tolist():
            of_stretch = which == index
            x, delay = xs[of_stretch], self._delays[index]
            line = self.stretches[index].offset
            late = self._delay + (
                0.0 if delay is None else delay.offset + delay.drift * (x - delay.at)
            )
            arrival = x + (line.offset + line.drift * (x - line.at))
            at[of_stretch] = arrival - np.clip(late, 0.0, MAX_DELAY_S)
        return np.clip(at, self._earliest, self._latest)

    def beyond(self, x: float) -> float:
        """By how many seconds this track time lies after all of which arrivals are known."""
        index = max(0, bisect_right(self._begins, x) - 1)
        return max(0.0, self.stretches[index].arrival(x) - self._latest)

    def was_late(self, by: float) -> None:
        """All of it was longer on its way by this than what it belongs to."""
        self._delay = by

    def was_late_as(self, readings: Sequence[_Reading], delays: Sequence[Point]) -> None:
        """It was longer on its way by these (track time, delay), each read in its stretch."""
        by_stretch: list[list[Point]] = [[] for _ in self.stretches]
        for reading, delay in zip(readings, delays, strict=True):
            by_stretch[reading.stretch].append(delay)
        known = [index for index, points in enumerate(by_stretch) if points]
        for index in range(len(self.stretches)):
            if known:
                nearest = min(known, key=lambda other: abs(other - index))
                line = fit_line(by_stretch[nearest], quantile=0.5)
                # Another stretch's slope means nothing here.
                same = nearest == index
                self._delays[index] = line if same else StraightLine(line.at, line.offset, 0.0)

    def readings(self, reports: Iterable[Report]) -> list[_Reading]:
        """What the track's reports say of its sender's clock, by the time they speak of."""
        found = []
        for report in reports:
            index = self._stretch_of(report)
            at = self.stretches[index].arrival(report.x)
            if report.at is None or abs(report.at - at) <= _REPORT_AGE_S:
                found.append(_Reading(at, report.ntp - at, report.x, index))
        return _of_a_clock(sorted(found))

    def _stretch_of(self, report: Report) -> int:
        """While a sender stands still its last report is counted on: then by when it came."""
        index = max(0, bisect_right(self._begins, report.x) - 1)
        while report.at is not None and report.at < self.stretches[index].not_before:
            index -= 1
        return index


@dataclass(frozen=True, slots=True, order=True)
class _Reading:
    """At `at` in our time (track time `x`) the sender's clock was `ahead` of ours, as it seems."""

    at: float
    ahead: float
    x: float
    stretch: int


def _of_a_clock(readings: Sequence[_Reading]) -> list[_Reading]:
    """Those that another one bears out: what agrees with neither neighbour is no clock's."""
    return [
        one
        for index, one in enumerate(readings)
        if len(readings) == 1
        or any(
            abs(one.ahead - other.ahead) < SAME_CLOCK_S
            for other in (*readings[max(0, index - 1) : index], *readings[index + 1 : index + 2])
        )
    ]


def place(tracks: Sequence[TrackPoints], *, one_device: bool) -> list[Placed]:
    """The time maps of tracks that one device has sent (or that may be one device's).

    Raises `ValueError` for a track without any arrival.
    """
    placed = [Placed(track) for track in tracks]
    readings = [one.readings(track.reports) for one, track in zip(placed, tracks, strict=True)]
    limit = MAX_DELAY_S if one_device else SAME_CLOCK_S
    anchors = _anchors(tracks)
    late: dict[tuple[int, int], list[tuple[_Reading, float]]] = {}
    for anchor in anchors:
        for other in range(len(tracks)):
            if other not in anchors:
                late[anchor, other] = _differences(readings[anchor], readings[other], limit)
    # What came first is right: an anchor that is itself the later one is moved back as a whole.
    ahead = {
        anchor: max(
            [0.0]
            + [
                -median(difference for _, difference in pairs)
                for (own, _), pairs in late.items()
                if own == anchor and pairs
            ]
        )
        for anchor in anchors
    }
    for anchor, by in ahead.items():
        placed[anchor].was_late(by)
    for other in range(len(tracks)):
        pairs = [
            (reading, difference + ahead[anchor])
            for anchor in anchors
            for reading, difference in late.get((anchor, other), [])
        ]
        if pairs:
            placed[other].was_late_as(
                [reading for reading, _ in pairs],
                [(reading.x, difference) for reading, difference in pairs],
            )
    return placed


def _anchors(tracks: Sequence[TrackPoints]) -> list[int]:
    """The tracks that the others are compared with: every sound, else the longest picture."""
    sounds = [index for index, track in enumerate(tracks) if track.is_sound]
    if sounds or not tracks:
        return sounds
    return [max(range(len(tracks)), key=lambda index: len(tracks[index].arrivals))]


def _differences(
    anchor: Sequence[_Reading], other: Sequence[_Reading], limit: float
) -> list[tuple[_Reading, float]]:
    """By how much `other` was longer on its way, wherever both reported; lies are left out.

    The sender's clock seems to be as far ahead of ours as it is, less what the packet was delayed.
    """
    found = []
    for reading in other:
        ahead = _ahead_at(anchor, reading.at)
        if ahead is not None and abs(ahead - reading.ahead) <= limit:
            found.append((reading, ahead - reading.ahead))
    return found


def _ahead_at(readings: Sequence[_Reading], at: float) -> float | None:
    """What these say of the sender's clock at this moment; None if they speak of other times."""
    index = bisect_left(readings, at, key=lambda reading: reading.at)
    around = readings[max(0, index - 1) : index + 1]
    near = sorted((abs(one.at - at), one) for one in around if abs(one.at - at) <= _TOGETHER_S)
    if not near:
        return None
    (apart, nearest), *others = near
    for other_apart, other in others:
        # Between two there may be a moment at which the clock was set: then the nearer one counts.
        if abs(other.ahead - nearest.ahead) < SAME_CLOCK_S and apart + other_apart > 0:
            share = apart / (apart + other_apart)
            return nearest.ahead + share * (other.ahead - nearest.ahead)
    return nearest.ahead


def places(to_lesson: TimeMap, times: npt.NDArray[np.float64]) -> list[float]:
    """Where these times of a track lie, all at once where that is quicker."""
    if isinstance(to_lesson, Placed):
        found: list[float] = to_lesson.many(times).tolist()
        return found
    return [to_lesson(x) for x in times.tolist()]
