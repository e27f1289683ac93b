"""Clocks: what an RTP timestamp means in the sender's time and in the lesson's time.

A stream's timestamps count ticks from anywhere (RFC 3550 §5.1). Sender reports (§6.4.1) tie them
to the sender's own clock, which puts the sound and the picture of one device in step, exactly.
That clock may be wrong by years; how far is seen from when packets arrive here: a packet is never
early, so the least delayed ones show the offset, and a straight line through them the drift.

Sans-IO. While recording only points are collected (`LeastDelay`); the lines are fitted when the
recording is finished and everything is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

# Short enough that a 10 s stay has a point, long enough that jitter finds its least.
LEAST_DELAY_WINDOW_S = 5.0

# Crystals differ by up to 100 ppm; sound cards driven by a bad USB clock by more.
MAX_DRIFT = 500e-6

# Below this a slope says more about jitter than about drift.
MIN_DRIFT_SPAN_S = 60.0

# Points a fit looks at: pairs grow with the square, and more add nothing.
_MAX_FIT_POINTS = 60

Point = tuple[float, float]


class LeastDelay:
    """Keeps, of every few seconds of packets, the one that was delayed least."""

    def __init__(self, clock_rate: int, *, window_s: float = LEAST_DELAY_WINDOW_S) -> None:
        self._clock_rate = clock_rate
        self._window_s = window_s
        self._began: float | None = None
        self._best: tuple[int, float] | None = None
        self._best_offset = 0.0

    def observe(self, rtp: int, at: float) -> tuple[int, float] | None:
        """A packet of timestamp `rtp` arrived at `at`; gives a point when its window is over."""
        point = None
        if self._began is not None and at - self._began >= self._window_s:
            point = self.take()
        if self._began is None:
            self._began = at
        offset = at - rtp / self._clock_rate
        if self._best is None or offset < self._best_offset:
            self._best, self._best_offset = (rtp, at), offset
        return point

    def take(self) -> tuple[int, float] | None:
        """The point of the window begun, None if it is empty; a new one begins."""
        point, self._best, self._began = self._best, None, None
        return point


@dataclass(frozen=True, slots=True)
class _Piece:
    begins: float
    offset: float
    drift: float
    at: float

    def value(self, x: float) -> float:
        return self.offset + self.drift * (x - self.at)


@dataclass(frozen=True, slots=True)
class Line:
    """Straight pieces; the first and the last go on outwards for ever."""

    pieces: tuple[_Piece, ...]

    def __call__(self, x: float) -> float:
        index = bisect_right(self.pieces, x, key=lambda piece: piece.begins) - 1
        return self.pieces[max(0, index)].value(x)


def fit_line(points: Sequence[Point], *, quantile: float, jump_s: float) -> Line:
    """A robust line of y over x (both seconds) that may jump, but only drift slowly.

    A piece ends where two neighbouring points both lie more than `jump_s` off the one before them
    (one alone is an outlier). Its slope is the median of the slopes between its points (Theil–Sen),
    its height the given quantile of what is left. Raises `ValueError` without points.
    """
    if not points:
        raise ValueError("a line needs at least one point")
    ordered = sorted(points)
    return Line(tuple(_fit_piece(part, quantile) for part in _split_at_jumps(ordered, jump_s)))


def _split_at_jumps(points: Sequence[Point], jump_s: float) -> list[list[Point]]:
    parts = [[points[0]]]
    for index in range(1, len(points)):
        before = median(y for _, y in parts[-1][-3:])
        following = [y for _, y in points[index : index + 2]]
        away = [y - before for y in following]
        jumped = len(away) == 2 and (min(away) > jump_s or max(away) < -jump_s)
        if jumped:
            parts.append([])
        parts[-1].append(points[index])
    return parts


def _fit_piece(points: Sequence[Point], quantile: float) -> _Piece:
    begins = points[0][0]
    sample = points[:: max(1, -(-len(points) // _MAX_FIT_POINTS))]
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0])
        for i, a in enumerate(sample)
        for b in sample[i + 1 :]
        if b[0] - a[0] >= MIN_DRIFT_SPAN_S
    ]
    drift = max(-MAX_DRIFT, min(MAX_DRIFT, median(slopes))) if slopes else 0.0
    rest = sorted(y - drift * (x - begins) for x, y in points)
    return _Piece(begins, rest[int(quantile * (len(rest) - 1))], drift, begins)


@dataclass(frozen=True, slots=True)
class TrackPoints:
    """All that is known of one track's time, in seconds.

    `sync` are (track time, sender time) of sender reports, `clock` are (track time, arrival) of
    the least delayed packets; track time is its unwrapped timestamp over its clock rate.
    """

    sync: tuple[Point, ...]
    clock: tuple[Point, ...]


TimeMap = Callable[[float], float]

# A sender's report may be a frame off (it is often made when the last frame was, not now).
_SYNC_JUMP_S = 0.2
# Queues in a bad line come and go over several windows; half a second at once is a new clock.
_ARRIVAL_JUMP_S = 0.5


def sender_time(track: TrackPoints) -> TimeMap | None:
    """From track time to the sender's own clock; None if it never reported."""
    if not track.sync:
        return None
    line = fit_line([(x, y - x) for x, y in track.sync], quantile=0.5, jump_s=_SYNC_JUMP_S)
    return lambda x: x + line(x)


def lesson_times(tracks: Sequence[TrackPoints]) -> list[TimeMap]:
    """From track time to Unix time here, for the tracks of one device (in step with each other).

    A track that never reported is placed by its arrivals alone. One without any packet of its own
    to go by stands still at its beginning: it has no frames either.
    """
    senders = [sender_time(track) for track in tracks]
    together: list[Point] = []
    for track, sender in zip(tracks, senders, strict=True):
        if sender is not None:
            together += [(sender(x), at - sender(x)) for x, at in track.clock]
    shared = _lower_line(together) if together else None
    maps: list[TimeMap] = []
    for track, sender in zip(tracks, senders, strict=True):
        if sender is not None and shared is not None:
            maps.append(_through(sender, shared))
        elif track.clock:
            own = _lower_line([(x, at - x) for x, at in track.clock])
            maps.append(_plus(own))
        else:
            maps.append(lambda x: x)
    return maps


def share_clock(a: TrackPoints, b: TrackPoints, *, within_s: float) -> bool:
    """Whether two tracks seem to be timed by one clock: their offsets to ours agree."""
    first, second = _offset(a), _offset(b)
    return first is not None and second is not None and abs(first - second) < within_s


def _offset(track: TrackPoints) -> float | None:
    sender = sender_time(track)
    if sender is None or not track.clock:
        return None
    return min(at - sender(x) for x, at in track.clock)


def _lower_line(points: Sequence[Point]) -> Line:
    """The line under nearly all points, from the least of every window of them."""
    ordered = sorted(points)
    least: list[Point] = []
    window: list[Point] = []
    for point in ordered:
        if window and point[0] - window[0][0] > 2 * LEAST_DELAY_WINDOW_S:
            least.append(min(window, key=lambda p: p[1]))
            window = []
        window.append(point)
    least.append(min(window, key=lambda p: p[1]))
    # Not the very lowest: one report that lied must not move a whole lesson.
    return fit_line(least, quantile=0.1, jump_s=_ARRIVAL_JUMP_S)


def _through(sender: TimeMap, line: Line) -> TimeMap:
    def to_lesson(x: float) -> float:
        at_sender = sender(x)
        return at_sender + line(at_sender)

    return to_lesson


def _plus(line: Line) -> TimeMap:
    return lambda x: x + line(x)
