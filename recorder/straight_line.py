"""Straight lines through points of which some lie far off. Sans-IO, times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# Crystals differ by up to 100 ppm; sound cards driven by a bad USB clock by more.
MAX_DRIFT = 500e-6

# What falls faster than that, up to this, may be a queue that empties, or a clock far too fast. A
# queue is empty some time later; what goes on as evenly as this over more than a minute is a clock.
MAX_FALL = 1e-2
_FALL_PAIRS_S = (30.0, 60.0)  # so far apart are the points that are compared
_FALLS_EVENLY_S = 0.010
_MOST = 0.85  # of the pairs

# Below this a slope says more about jitter than about drift.
MIN_DRIFT_SPAN_S = 60.0

# Points a slope looks at: pairs grow with the square, and more add nothing.
_MAX_SLOPE_POINTS = 60

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class StraightLine:
    """`offset` at `at`, rising by `drift` per second."""

    at: float
    offset: float
    drift: float

    def __call__(self, x: float) -> float:
        return self.offset + self.drift * (x - self.at)

    def with_fall(self, fall: float) -> StraightLine:
        """The line of x, if this is one of x · (1 + `fall`) and of what lies `fall` · x higher."""
        at = self.at / (1 + fall)
        return StraightLine(at, self.offset + fall * at, self.drift * (1 + fall) + fall)


def slope(points: Sequence[Point]) -> float | None:
    """The median slope between points far enough apart (Theil–Sen), None if there are none."""
    sample = points[:: max(1, -(-len(points) // _MAX_SLOPE_POINTS))]
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0])
        for i, a in enumerate(sample)
        for b in sample[i + 1 :]
        if b[0] - a[0] >= MIN_DRIFT_SPAN_S
    ]
    return max(-MAX_DRIFT, min(MAX_DRIFT, median(slopes))) if slopes else None


def steady_fall(points: Sequence[Point]) -> float:
    """The slope of points that fall all the time, faster than `MAX_DRIFT`; 0.0 if they do not.

    Steps between them, or a hump, hardly count: only points near each other are compared.
    """
    if not points or points[-1][0] - points[0][0] < MIN_DRIFT_SPAN_S:
        return 0.0
    least, most = _FALL_PAIRS_S
    pairs: list[Point] = []  # (how far apart, by how much higher)
    for index, (x, y) in enumerate(points):
        for later_x, later_y in points[index + 1 : index + 1 + _MAX_SLOPE_POINTS]:
            if later_x - x > most:
                break
            if later_x - x >= least:
                pairs.append((later_x - x, later_y - y))
    fall = median(rise / apart for apart, rise in pairs) if pairs else 0.0
    if not -MAX_FALL <= fall < -MAX_DRIFT:
        return 0.0
    even = sum(1 for apart, rise in pairs if abs(rise - fall * apart) <= _FALLS_EVENLY_S)
    return fall if even >= _MOST * len(pairs) else 0.0


def fit_line(points: Sequence[Point], *, quantile: float, drift: float = 0.0) -> StraightLine:
    """The line with this share of the points under it.

    Its slope is theirs, or `drift` when they are too near each other to tell. Raises `ValueError`
    without points.
    """
    if not points:
        raise ValueError("a line needs at least one point")
    ordered = sorted(points)
    begins = ordered[0][0]
    found = slope(ordered)
    drift = drift if found is None else found
    rest = sorted(y - drift * (x - begins) for x, y in ordered)
    return StraightLine(begins, rest[round(quantile * (len(rest) - 1))], drift)
