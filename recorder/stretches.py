"""Where a track's timestamps went on evenly, and when its packets came there.

A sender may begin to count anew; that is seen at once and noted, and so is a file's beginning,
where a picture may come from another encoder. But it may also stop counting for a while (its
microphone stood still, its process was stopped): from then on its packets come later by that, for
good. A bad line may hold packets up: then they come later for a time, or all at once. Arrivals
alone tell the two apart only afterwards, reports at once: the sender's clock did not stop.

Sans-IO; all times in seconds.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from mixer.reading.least_delay import BREAK_S, LEAST_DELAY_WINDOW_S
from recorder.line import Line, Point, fit_line, slope

# How much longer one track of a device may be on its way than another: a slow PC sends its screen
# most of a second after it was captured, its sound at once. What claims more is not believed.
MAX_DELAY_S = 1.0

# The media core begins a tap with a keyframe that came so long ago, at most.
MAX_KEPT_S = 8.0

# So soon after its first packet a track is live, whatever came before.
BEGINNING_S = 1.0

# How far around a break is looked, to tell a sender that stood still from a line that did.
_NEAR_S = 15.0
_LONG_S = 60.0
_MOST_NEAR = 200  # points: breaks make them two a second at most


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
    offset: Line  # arrival of a packet that was delayed least, minus its track time

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
    still = _where_it_stood_still(arrivals, sorted(begins), reports)
    begins |= {index: arrivals[index][0] for index in still}
    ends = [*sorted(begins)[1:], len(arrivals)]
    parts = [arrivals[first:end] for first, end in zip(sorted(begins), ends, strict=True)]
    longest = max(parts, key=lambda part: part[-1][0] - part[0][0])
    drift = slope([(x, at - x) for x, at in _least(longest)]) or 0.0
    return [
        Stretch(
            begins[first],
            part[0][1] if first in still else -math.inf,
            _lower_line(part, drift),
        )
        for first, part in zip(sorted(begins), parts, strict=True)
    ]


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
    if min(later, default=least) < least - BREAK_S:
        return arrivals
    late = itertools.takewhile(lambda delay: delay > least + BREAK_S, soon)
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
    arrivals: Sequence[Point], begins: Sequence[int], reports: Sequence[Report]
) -> list[int]:
    told = sorted((r.at, r.ntp - r.x) for r in reports if r.at is not None)
    found: list[int] = []
    for first, end in zip(begins, [*begins[1:], len(arrivals)], strict=True):
        start = first
        for index in range(first + 1, end):
            (x, at), (x_before, at_before) = arrivals[index], arrivals[index - 1]
            if abs((at - x) - (at_before - x_before)) <= BREAK_S:
                continue
            if _stood_still(arrivals, start, index, end, told):
                found.append(index)
                start = index
    return found


def _stood_still(
    arrivals: Sequence[Point], start: int, index: int, end: int, told: Sequence[Point]
) -> bool:
    """Whether the sender's count, and not the line, is behind by what arrivals are later now.

    `arrivals[start:index]` came evenly, `arrivals[index:end]` come after a change.
    """
    before = min(
        at - x
        for x, at in _while(
            reversed(arrivals[max(start, index - _MOST_NEAR) : index]),
            arrivals[index - 1][0] - _NEAR_S,
            math.inf,
        )
    )
    after = arrivals[index : min(end, index + _MOST_NEAR)]

    def shift_within(seconds: float) -> float:
        return min(at - x for x, at in _while(after, -math.inf, after[0][0] + seconds)) - before

    shift = shift_within(_NEAR_S)
    if abs(shift) <= BREAK_S:
        return False
    claimed = _claimed_shift(arrivals[index - 1][1], arrivals[index][1], told)
    if claimed is not None and abs(claimed - shift) <= MAX_DELAY_S:
        return abs(claimed) > BREAK_S
    if abs(shift) > MAX_DELAY_S:
        return True
    # Nobody says. A queue in a line is gone some time later; sooner than before is never a queue.
    return shift_within(_LONG_S) > BREAK_S


def _while(points: Iterable[Point], least: float, most: float) -> Iterator[Point]:
    return itertools.takewhile(lambda point: least <= point[0] <= most, points)


def _claimed_shift(until: float, since: float, told: Sequence[Point]) -> float | None:
    """By how much more the sender's clock went on than its count, over a break; None: unknown."""

    def between(low: float, high: float) -> list[float]:
        first, last = bisect_left(told, (low,)), bisect_left(told, (high,))
        return [ahead for _, ahead in told[first:last]]

    before, after = between(until - _NEAR_S, until), between(since, since + _NEAR_S)
    return median(after) - median(before) if before and after else None


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


def _lower_line(points: Sequence[Point], drift: float) -> Line:
    """The line under nearly all arrivals."""
    return fit_line([(x, at - x) for x, at in _least(points)], quantile=0.1, drift=drift)
