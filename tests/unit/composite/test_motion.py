"""What counts as a change of what is shared."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mixer.composite.motion import SCREEN_CHANGES, Motion
from mixer.composite.picture import Picture, Plane
from tests.unit.composite.pictures import fine_picture, plain_picture


def deck(page: int) -> Plane:
    """A page with three lines of text."""
    plane = np.full((720, 1280), 230, np.uint8)
    for line in range(3):
        words = " ".join(
            str((page * 7919 + line * 104_729 + word * 31) % 9973) for word in range(9)
        )
        at = (80, 200 + 150 * line)
        cv2.putText(plane, words, at, cv2.FONT_HERSHEY_SIMPLEX, 1.5, 30, 4)
    return plane


def motion(before: Plane, after: Plane) -> float:
    half = np.full((360, 640), 128, np.uint8)
    seen = Motion()
    assert seen.observe(Picture(before, half, half)) == 0.0
    return seen.observe(Picture(after, half, half))


def test_a_page_that_turns_is_a_change() -> None:
    assert motion(deck(1), deck(2)) > SCREEN_CHANGES * 4


def test_a_stroke_of_writing_is_a_change() -> None:
    after = deck(1)
    cv2.line(after, (200, 600), (700, 640), 30, 6)
    assert motion(deck(1), after) > SCREEN_CHANGES


def test_noise_a_pointer_and_a_clock_are_none() -> None:
    rng = np.random.default_rng(1)
    noisy = np.clip(deck(1) + rng.normal(0, 6, (720, 1280)), 0, 255).astype(np.uint8)
    assert motion(deck(1), noisy) == 0.0
    pointed = deck(1)
    pointed[300:330, 400:420] = 20
    assert motion(deck(1), pointed) < SCREEN_CHANGES


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4000, 2), (160, 90)])
def test_any_size_may_follow_any_other(size: tuple[int, int]) -> None:
    seen = Motion()
    seen.observe(fine_picture(320, 180))
    assert 0.0 <= seen.observe(plain_picture(*size, 200)) <= 1.0
