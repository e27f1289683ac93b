"""One picture into one box: cut or with bars, never stretched, scaled in place.

INTER_LINEAR weighs four neighbours: from a picture up to twice as large it is as good as anything;
from a larger one it would leave pixels out, and fine lines flicker. So what is more than twice as
large is halved first by the mean of two by two, which costs next to nothing. (INTER_AREA for uneven
ratios costs five times as much.) A reader asks for the layer nearest its tile, so that halving is
the exception.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from mixer.composite.layouts import Box
from mixer.composite.picture import BLACK, Canvas, Picture, Plane, cv_array

BAR = BLACK

# Shapes that differ by less are the same: rounding to even pixels alone makes 16:9 differ by 2 %.
SAME_SHAPE = 0.025

# A picture that is larger than its box, or than twice its box, by no more is cut to just that: the
# seams between tiles make a layer of their size uneven. A copy, or an even half, is sharper.
SAME_SIZE = 1.03


@dataclass(frozen=True, slots=True)
class Fit:
    """`crop` of the picture is shown in `drawn` of the canvas. Both have even edges."""

    crop: Box
    drawn: Box


def fit(width: int, height: int, box: Box, *, letterbox: bool) -> Fit | None:
    """How a picture of this size is shown in `box`; None if it is too small or thin to be shown."""
    width, height = width & ~1, height & ~1
    if width < 2 or height < 2:
        return None
    whole = Box(0, 0, width, height)
    for times in (1, 2):
        wide, high = times * box.width, times * box.height
        if 1 <= width / wide <= SAME_SIZE and 1 <= height / high <= SAME_SIZE:
            return Fit(Box(_even((width - wide) / 2), _even((height - high) / 2), wide, high), box)
    ratio = (width * box.height) / (height * box.width)  # above 1: wider than its box
    if not letterbox or abs(ratio - 1) < SAME_SHAPE:
        if ratio > 1:
            kept = max(2, _even(width / ratio))
            return Fit(Box(_even((width - kept) / 2), 0, kept, height), box)
        kept = max(2, _even(height * ratio))
        return Fit(Box(0, _even((height - kept) / 2), width, kept), box)
    if ratio > 1:
        shown = max(2, _even(box.height / ratio))
        top = box.y + _even((box.height - shown) / 2)
        return Fit(whole, Box(box.x, top, box.width, shown))
    shown = max(2, _even(box.width * ratio))
    left = box.x + _even((box.width - shown) / 2)
    return Fit(whole, Box(left, box.y, shown, box.height))


def draw_picture(canvas: Canvas, picture: Picture, box: Box, *, letterbox: bool) -> bool:
    """Scale `picture` into `box` of the canvas, with bars where it does not reach.

    False when it is too small or too thin to be shown: nothing was drawn then.
    """
    how = fit(picture.width, picture.height, box, letterbox=letterbox)
    if how is None:
        return False
    _draw_bars(canvas, box, how.drawn)
    crop = how.crop
    halves = Box(crop.x // 2, crop.y // 2, crop.width // 2, crop.height // 2)
    y, u, v = canvas.planes(how.drawn)
    scale_into(_part(picture.y, crop), y)
    scale_into(_part(picture.u, halves), u)
    scale_into(_part(picture.v, halves), v)
    return True


def scale_into(source: Plane, target: Plane) -> None:
    """Scale a plane into a view of another one, in place."""
    height, width = target.shape
    while source.shape[0] > 2 * height and source.shape[1] > 2 * width:
        half = source.shape[1] // 2, source.shape[0] // 2
        # An odd last row or column would make the ratio uneven.
        source = source[: half[1] * 2, : half[0] * 2]
        source = cv2.resize(cv_array(source), half, interpolation=cv2.INTER_AREA)
    if source.shape == target.shape:
        target[:] = source
        return
    drawn = cv2.resize(
        cv_array(source), (width, height), dst=cv_array(target), interpolation=cv2.INTER_LINEAR
    )
    if drawn is not target:
        # OpenCV makes an array of its own when it cannot write into ours, and says nothing.
        target[:] = drawn


def _part(plane: Plane, box: Box) -> Plane:
    return plane[box.y : box.bottom, box.x : box.right]


def _draw_bars(canvas: Canvas, box: Box, drawn: Box) -> None:
    """What of `box` the picture leaves free."""
    if drawn.height < box.height:
        canvas.fill(Box(box.x, box.y, box.width, drawn.y - box.y), BAR)
        canvas.fill(Box(box.x, drawn.bottom, box.width, box.bottom - drawn.bottom), BAR)
    if drawn.width < box.width:
        canvas.fill(Box(box.x, box.y, drawn.x - box.x, box.height), BAR)
        canvas.fill(Box(drawn.right, box.y, box.right - drawn.right, box.height), BAR)


def _even(value: float) -> int:
    return 2 * round(value / 2)
