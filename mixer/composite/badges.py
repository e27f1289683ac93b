"""The two signs in a tile's corner: a raised hand, and a microphone for who has the floor.

Drawn four times as large, scaled down, and kept: a sign of so many pixels is drawn once.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

import cv2
import numpy as np

from mixer.composite.layouts import Box
from mixer.composite.picture import Canvas, Colour, Plane, cv_array

_FINE = 4


class Badge(Enum):
    """What is told of a seat, and in which colour; the sign itself is white."""

    HAND = Colour.of(214, 130, 0)
    FLOOR = Colour.of(0, 135, 90)


# Strokes with round ends on a square of 100 × 100: from, to, thickness.
_Stroke = tuple[tuple[int, int], tuple[int, int], int]
_STROKES: dict[Badge, tuple[_Stroke, ...]] = {
    Badge.HAND: (
        ((38, 60), (38, 26), 10),
        ((50, 60), (50, 20), 10),
        ((62, 60), (62, 24), 10),
        ((74, 64), (74, 36), 10),
        ((50, 68), (62, 68), 34),
        ((40, 76), (24, 56), 10),
    ),
    Badge.FLOOR: (
        ((50, 28), (50, 48), 24),
        ((50, 66), (50, 82), 7),
        ((36, 82), (64, 82), 7),
    ),
}


def draw_badge(canvas: Canvas, badge: Badge, box: Box) -> None:
    """The sign on its colour, all over `box`, which is a square."""
    colour = badge.value
    canvas.fill(box, colour)
    y, _, _ = canvas.planes(box)
    y[:] = _sign(badge, box.width)


@lru_cache(maxsize=32)
def _sign(badge: Badge, size: int) -> Plane:
    """Its brightness."""
    fine = size * _FINE
    sign = np.full((fine, fine), badge.value.y, np.uint8)
    for begin, end, thickness in _STROKES[badge]:
        cv2.line(
            cv_array(sign), _at(begin, fine), _at(end, fine), 235, max(1, thickness * fine // 100)
        )
    if badge is Badge.FLOOR:  # what holds the microphone
        radius = (fine * 24 // 100, fine * 24 // 100)
        width = max(1, 7 * fine // 100)
        cv2.ellipse(cv_array(sign), _at((50, 44), fine), radius, 0, 0, 180, 235, width)
    small: Plane = cv2.resize(cv_array(sign), (size, size), interpolation=cv2.INTER_AREA)
    return small


def _at(point: tuple[int, int], fine: int) -> tuple[int, int]:
    return point[0] * fine // 100, point[1] * fine // 100
