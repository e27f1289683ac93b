"""Straight lines through points of which some lie far off. Sans-IO, times in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# Crystals differ by up to 100 ppm; sound cards driven by a bad USB clock by more.
MAX_DRIFT = 500e-6

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
