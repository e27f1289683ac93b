"""Where a track's timestamps went on evenly, and when its packets came there.

A sender may begin to count anew; that is seen at once and noted, and so is a file's beginning,
where a picture may come from another encoder. But it may also stop counting for a while (its
microphone stood still, its process was stopped): from then on its packets come later by that, for
good, and such moments add up. A bad line may hold packets up: then they come later for a time, or
all at once. Arrivals alone tell the two apart only afterwards, reports at once: the sender's clock
did not stop.

A count may also go too fast, all the time: then packets come sooner and sooner, which no line does
for minutes. Such a track is looked at in its own time brought down to ours.

Sans-IO; all times in seconds.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mixer.reading.least_delay import LEAST_DELAY_WINDOW_S
from recorder.straight_line import Point, StraightLine, fit_line, slope, steady_fall

# How much longer one track of a device may be on its way than another: a slow PC sends its screen
# most of a second after it was captured, its sound at once. What claims more is not believed.
MAX_DELAY_S = 1.0

# The media core begins a tap with a keyframe that came so long ago, at most.
MAX_KEPT_S = 8.0

# So soon after its first packet a track is live, whatever came before.
BEGINNING_S = 1.0

# A change of this much is looked at. What is less, and slower than this in a minute, is what clocks
# drift, and lines are drawn through it.
_STEP_S = 0.025

# How far around a change is looked, to tell a sender that stood still from a line that did.
_NEAR_S = 15.0
_LONG_S = 60.0
_MOST_NEAR = 300  # points: breaks make them four a second at most

# What lasts no longer says nothing by itself.
_LASTS_S = 1.0

# What a tap begins with and comes so much later than what follows was kept.
_KEPT_S = 0.1


@dataclass(frozen=True, slots=True)
class Report:
    """A sender's claim: at track time `x` its clock showed `ntp`. It came at `at`, if known."""

    x: float
    ntp: float
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Track time from `begins` on in which the sender's count went on evenly."""

    begins: float
    not_before: float  # a report that came earlier does not speak of it; -inf: it may
    offset: StraightLine  # arrival of a packet that was delayed least, minus its track time

    def arrival(self, x: float) -> float:
        """When a packet of this track time comes when it is delayed least."""
        return x + self.offset(x)


def stretches(
    arrivals: Sequence[Point], breaks: Sequence[float], reports: Sequence[Report]
) -> list[Stretch]:
    """The stretches of a track's time, in order. Raises `ValueError` without any arrival."""
    if not arrivals:
        raise ValueError("a track without any arrival cannot be placed")
    arrivals = sorted(arrivals)
    begins = _hard_breaks(arrivals, breaks)
    fall = steady_fall(_delays(_longest(_split(arrivals, begins))))
    evenly = [(x * (1 + fall), at) for x, at in arrivals]
    told = sorted((r.at, r.ntp - r.x * (1 + fall)) for r in reports if r.at is not None)
    still = _where_it_stood_still(evenly, sorted(begins), told)
    begins |= {index: arrivals[index][0] for index in still}
    parts = _split(evenly, begins)
    drift = slope(_delays(_longest(parts))) or 0.0
    return [
        Stretch(
            begins[first],
            part[0][1] if first in still else -math.inf,
            fit_line(_delays(part), quantile=0.1, drift=drift).with_fall(fall),
        )
        for first, part in zip(sorted(begins), parts, strict=True)
    ]


def _split(arrivals: Sequence[Point], begins: Iterable[int]) -> list[Sequence[Point]]:
    firsts = sorted(begins)
    ends = [*firsts[1:], len(arrivals)]
    return [arrivals[first:end] for first, end in zip(firsts, ends, strict=True)]


def _longest(parts: Sequence[Sequence[Point]]) -> Sequence[Point]:
    return max(parts, key=lambda part: part[-1][0] - part[0][0])


def without_burst(arrivals: Sequence[Point]) -> list[Point]:
    """What a picture's tap begins with may have been kept since the last keyframe, and comes all at
    once; from then on it is even, else it is no such thing."""
    if not arrivals:
        return []
    arrivals = sorted(arrivals, key=lambda point: point[1])
    began = arrivals[0][1]
    soon = [at - x for x, at in arrivals if at - began <= BEGINNING_S]
    later = [at - x for x, at in arrivals if BEGINNING_S < at - began <= 3 * BEGINNING_S]
    least = min(soon)
    if min(later, default=least) < least - _KEPT_S:
        return arrivals
    late = itertools.takewhile(lambda delay: delay > least + _KEPT_S, soon)
    return arrivals[sum(1 for _ in late) :]


def _hard_breaks(arrivals: Sequence[Point], breaks: Sequence[float]) -> dict[int, float]:
    """Which arrivals are the first behind a break, and from which track time on."""
    times = [x for x, _ in arrivals]
    begins = {0: times[0]}
    for x in sorted(breaks):
        index = bisect_left(times, x)
        if 0 < index < len(times):
            begins[index] = x
    return begins


def _where_it_stood_still(
    arrivals: Sequence[Point], begins: Sequence[int], told: Sequence[Point]
) -> list[int]:
    found: list[int] = []
    for first, end in zip(begins, [*begins[1:], len(arrivals)], strict=True):
        start = first
        earliest = _LeastBefore(arrivals)
        for index in range(first + 1, end):
            before = earliest.take(index - 1, since=max(start, index - _MOST_NEAR))
            if _stood_still(arrivals, start, index, end, told, before=before):
                found.append(index)
                start = index
    return found


class _LeastBefore:
    """The least delay of the arrivals before one, not longer ago than `_LONG_S`; asked in order."""

    def __init__(self, arrivals: Sequence[Point]) -> None:
        self._arrivals = arrivals
        self._least: deque[tuple[int, float]] = deque()  # (index, delay), both rising

    def take(self, index: int, *, since: int) -> float:
        """The next arrival, and the least delay of it and those from `since` on."""
        x, at = self._arrivals[index]
        while self._least and self._least[-1][1] >= at - x:
            self._least.pop()
        self._least.append((index, at - x))
        while self._least[0][0] < since or self._arrivals[self._least[0][0]][0] < x - _LONG_S:
            self._least.popleft()
        return self._least[0][1]


def _stood_still(
    arrivals: Sequence[Point],
    start: int,
    index: int,
    end: int,
    told: Sequence[Point],
    *,
    before: float,
) -> bool:
    """Whether the sender's count, and not the line, is behind by what arrivals are later now.

    `arrivals[start:index]` came evenly, `before` is the least delay of the last of them;
    `arrivals[index:end]` come after a change.
    """
    (x, at) = arrivals[index]
    if abs(at - x - before) <= _STEP_S:
        return False
    after = arrivals[index : min(end, index + _MOST_NEAR)]

    def shift_within(seconds: float) -> float:
        return min(at - x for x, at in _while(after, -math.inf, x + seconds)) - before

    shift = shift_within(_NEAR_S)
    if abs(shift) <= _STEP_S:
        return False
    since = max(arrivals[start][1], at - _LONG_S)
    claimed = _claimed_shift(since, arrivals[index - 1][1], at, told)
    if claimed is not None and abs(claimed - shift) <= MAX_DELAY_S:
        return abs(claimed - shift) < abs(claimed)
    if abs(shift) > MAX_DELAY_S:
        return True
    # Nobody says. A queue in a line is gone some time later; sooner than before is never a queue.
    lasts = arrivals[end - 1][0] - x >= _LASTS_S
    return lasts and shift_within(_LONG_S) > _STEP_S


def _while(points: Iterable[Point], least: float, most: float) -> Iterator[Point]:
    return itertools.takewhile(lambda point: least <= point[0] <= most, points)


def _claimed_shift(
    since: float, until: float, begins: float, told: Sequence[Point]
) -> float | None:
    """By how much more the sender's clock went on than its count, from `since`…`until` to `begins`
    and a little later; None: unknown.

    Afterwards the first reports may still be the last one from before, counted on; before there may
    have been smaller changes.
    """

    def share_below(share: float, low: float, high: float) -> float | None:
        first, last = bisect_left(told, (low,)), bisect_left(told, (high,))
        ahead = sorted(ahead for _, ahead in told[first:last])
        return ahead[int(share * len(ahead))] if ahead else None

    before = share_below(0.25, since, until)
    after = share_below(0.5, begins, begins + _NEAR_S)
    return None if before is None or after is None else after - before


def _least(points: Sequence[Point]) -> list[Point]:
    """Of every ten seconds the least delayed."""
    least: list[Point] = []
    window: list[Point] = []
    for point in points:
        if window and point[0] - window[0][0] > 2 * LEAST_DELAY_WINDOW_S:
            least.append(min(window, key=lambda p: p[1] - p[0]))
            window = []
        window.append(point)
    return [*least, min(window, key=lambda p: p[1] - p[0])] if window else least


def _delays(arrivals: Sequence[Point]) -> list[Point]:
    """Of every ten seconds the least: (track time, arrival minus track time)."""
    return [(x, at - x) for x, at in _least(arrivals)]
