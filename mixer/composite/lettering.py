"""Text for labels, slates and the title: Chinese and Latin, drawn once and kept.

OpenCV 5 draws TrueType by itself, and its wheel brings a Latin font and, for all that it lacks, one
with Chinese (`sans` and `uni`): nothing has to be installed on a server for names to be right. A
font of the district's own may be named by its path. Text comes from people: how long a line is and
how many are kept have limits here, and what does not fit its place ends with an ellipsis.
"""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np

from mixer.composite.layouts import Box
from mixer.composite.picture import Canvas, Colour, Plane, cv_array

LONGEST_TEXT = 120  # a name or a title in a lesson is no longer
MOST_LINES = 256  # kept; at 1080p some 10 MB

_WHITE = 235
_INK = (255.0,)
# Of a line's height: the letters' size, and where they stand; Chinese fills its square.
_SIZE = 0.68
_FOOT = 0.76
_PAD = 0.3  # left and right of a label's text


class Lettering:
    """Draws lines of text into boxes of a canvas, white on a ground."""

    def __init__(self, font: str = "sans") -> None:
        """`font` is the path of a TrueType file, or one of OpenCV's own.

        Raises `ValueError` when it cannot be read.
        """
        self._face = cv2.FontFace()
        if not self._face.set(font):
            raise ValueError(f"the font {font} cannot be read")
        self._lines: OrderedDict[tuple[str, int, int, int], Plane] = OrderedDict()

    def draw_label(self, canvas: Canvas, text: str, place: Box, ground: Colour) -> None:
        """A slab as wide as its text, at the left of `place`; none for no text."""
        pad = 2 * round(place.height * _PAD / 2)
        line = self._line(text, place.height, place.width - 2 * pad, ground)
        if line is None:
            return
        width = 2 * -(-line.shape[1] // 2) + 2 * pad
        canvas.fill(Box(place.x, place.y, width, place.height), ground)
        _write(canvas, line, place.x + pad, place.y)

    def draw_line(
        self, canvas: Canvas, text: str, place: Box, ground: Colour, *, centred: bool = False
    ) -> None:
        """One line in `place`, whose colour is `ground` already."""
        line = self._line(text, place.height, place.width, ground)
        if line is not None:
            left = (place.width - line.shape[1]) // 2 if centred else 0
            _write(canvas, line, place.x + left, place.y)

    def _line(self, text: str, height: int, room: int, ground: Colour) -> Plane | None:
        """The brightness of a line of text; None when there is nothing to write, or no room."""
        text = "".join(letter for letter in text[:LONGEST_TEXT] if letter.isprintable()).strip()
        if not text or height < 4 or room < height:
            return None
        key = text, height, room, ground.y
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = self._drawn(text, height, room, ground)
            if len(self._lines) > MOST_LINES:
                self._lines.popitem(last=False)
        self._lines.move_to_end(key)
        return line

    def _drawn(self, text: str, height: int, room: int, ground: Colour) -> Plane:
        size = max(3, round(height * _SIZE))
        text = self._that_fits(text, size, room)
        # Drawn on a broad ground and cut: the width that is told may be short of the last stroke.
        ink = np.zeros((height, room), np.uint8)
        foot = round(height * _FOOT)
        cv2.putText(cv_array(ink), text, (0, foot), _INK, self._face, size)
        written = np.flatnonzero(ink.any(axis=0))
        width = int(written[-1]) + 1 if len(written) else 1
        cover = ink[:, :width].astype(np.uint16)
        return ((ground.y * (255 - cover) + _WHITE * cover) // 255).astype(np.uint8)

    def _that_fits(self, text: str, size: int, room: int) -> str:
        """The text, or as many of its letters as have room before an ellipsis."""
        if self._width(text, size) <= room:
            return text
        fits, too_long = 0, len(text)
        while fits + 1 < too_long:
            middle = (fits + too_long) // 2
            if self._width(f"{text[:middle]}…", size) <= room:
                fits = middle
            else:
                too_long = middle
        return f"{text[:fits].rstrip()}…"

    def _width(self, text: str, size: int) -> int:
        x, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), self._face, size)
        return int(x) + int(width)


def _write(canvas: Canvas, line: Plane, left: int, top: int) -> None:
    height, width = line.shape
    canvas.y[top : top + height, left : left + width] = line
