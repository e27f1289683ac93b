"""Frames as spans: all at once as one by one, in whatever order they come."""

from __future__ import annotations

import random

import numpy as np
import pytest

from recorder.holes import Span, runs, runs_of

TABLE: list[tuple[list[Span], list[Span]]] = [
    ([], []),
    ([(1.0, 1.5)], [(1.0, 1.5)]),
    ([(0.0, 1.0), (1.9, 2.0)], [(0.0, 2.0)]),
    ([(0.0, 1.0), (2.0, 3.0)], [(0.0, 1.0), (2.0, 3.0)]),
    ([(0.0, 9.0), (2.0, 3.0), (9.5, 10.0)], [(0.0, 10.0)]),  # one lasts longer than its next
    ([(5.0, 5.1), (4.8, 4.9), (7.0, 7.1)], [(4.8, 5.1), (7.0, 7.1)]),  # shown out of order
]


def at_once(frames: list[Span]) -> list[Span]:
    begins, ends = (np.array([frame[side] for frame in frames], np.float64) for side in (0, 1))
    return runs_of(begins, ends, 1.0)


@pytest.mark.parametrize(("frames", "held"), TABLE)
def test_what_is_near_is_one(frames: list[Span], held: list[Span]) -> None:
    assert runs(frames, 1.0) == held
    assert at_once(frames) == held


def test_all_at_once_as_one_by_one() -> None:
    rng = random.Random(5)
    for _ in range(200):
        at, frames = 0.0, []
        for _ in range(rng.randrange(1, 40)):
            at += rng.choice((0.04, 0.5, 2.0, -0.1))
            frames.append((at, at + rng.choice((0.02, 0.04, 1.5))))
        assert at_once(frames) == runs(frames, 1.0)
