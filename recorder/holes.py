"""Where media came and none of it is held: what a file lost, or never took.

A track's journal notes arrivals every few seconds as long as packets come, whatever becomes of
them. So where it notes some and no file has a frame, something is missing: a disk that lost a
file's end, a picture whose decoding could not start. A source that was silent has no arrivals.

Sans-IO; all times are track time in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Span = tuple[float, float]  # from, to
Seconds = npt.NDArray[np.float64]


def holes(
    arrivals: Iterable[float],
    held: Sequence[Span],
    least_s: float,
    *,
    least_at_end_s: float = math.inf,
) -> list[Span]:
    """Where packets came for at least `least_s` and nothing is held, in order.

    `least_at_end_s`: so long after the last that is held one packet is enough. For files that were
    not closed: of one that was, the end is known otherwise.
    """
    came = sorted(arrivals)
    found: list[Span] = []
    until = -math.inf
    for begins, ends in [*sorted(held), (math.inf, math.inf)]:
        inside = [x for x in came if until < x < begins]
        if inside and inside[-1] - inside[0] >= least_s:
            found.append((inside[0], inside[-1]))
        elif inside and math.isinf(begins) and least_at_end_s <= inside[-1] - until < math.inf:
            found.append((until, inside[-1]))
        until = max(until, ends)
    return found


def runs(frames: Iterable[Span], least_s: float) -> list[Span]:
    """Frames, each with its end, as spans; what is less than `least_s` apart is one."""
    found: list[Span] = []
    for begins, ends in frames:
        if found and begins - found[-1][1] < least_s:
            first, last = found[-1]
            found[-1] = (min(first, begins), max(last, ends))
        else:
            found.append((begins, ends))
    return found


def runs_of(begins: Seconds, ends: Seconds, least_s: float) -> list[Span]:
    """`runs` of many frames at once: when each begins and ends, in the file's order."""
    if not len(begins):
        return []
    until = np.maximum.accumulate(ends)
    firsts = np.flatnonzero(begins[1:] - until[:-1] >= least_s) + 1
    firsts = np.concatenate(([0], firsts))
    lasts = until[np.concatenate((firsts[1:] - 1, [len(ends) - 1]))]
    return list(zip(np.minimum.reduceat(begins, firsts).tolist(), lasts.tolist(), strict=True))
