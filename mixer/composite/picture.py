"""A picture in YUV 4:2:0: three planes, the two of colour half as wide and high.

ITU-T H.264 §6.2, BT.709 limited range (16 … 235), as cameras, screens and the program all are. A
`Picture` is what came out of a decoder; a `Canvas` is a picture of our own to draw on, allocated
once. Drawing happens in views of its planes and never makes another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from mixer.composite.layouts import Box

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Colour:
    """Brightness and the two colour differences, of 8 bits in limited range."""

    y: int
    u: int
    v: int

    @classmethod
    def of(cls, red: int, green: int, blue: int) -> Colour:
        """Of red, green and blue of 8 bits (ITU-R BT.709 §3.2 to §3.5)."""
        bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return cls(
            y=round(16 + bright * 219 / 255),
            u=round(128 + (blue - bright) / 1.8556 * 224 / 255),
            v=round(128 + (red - bright) / 1.5748 * 224 / 255),
        )


BLACK = Colour(16, 128, 128)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Planes of `height` × `width`, and half of both, rounded up. Whoever holds it only reads."""

    y: Plane
    u: Plane
    v: Plane

    @property
    def width(self) -> int:
        """In pixels; a hostile sender's may be anything, odd as well."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.y.shape[0])


class Canvas:
    """Planes of our own. Boxes drawn on it have even edges and lie inside."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        """Raises `ValueError` for a size that 4:2:0 cannot halve."""
        if width % 2 or height % 2 or width < 2 or height < 2:
            raise ValueError(f"a canvas of {width}×{height}: both must be even")
        self.width = width
        self.height = height
        self.y: Plane = np.full((height, width), colour.y, np.uint8)
        self.u: Plane = np.full((height // 2, width // 2), colour.u, np.uint8)
        self.v: Plane = np.full((height // 2, width // 2), colour.v, np.uint8)

    @classmethod
    def over(cls, y: Plane, u: Plane, v: Plane) -> Canvas:
        """A canvas that draws into these planes, black at first; their memory is another's."""
        canvas = cls.__new__(cls)
        canvas.height, canvas.width = y.shape
        canvas.y, canvas.u, canvas.v = y, u, v
        canvas.fill(Box(0, 0, canvas.width, canvas.height), BLACK)
        return canvas

    def take(self, other: Canvas) -> None:
        """Become a copy of another one, of the same size."""
        self.y[:], self.u[:], self.v[:] = other.y, other.u, other.v

    def planes(self, box: Box) -> tuple[Plane, Plane, Plane]:
        """The parts of the three planes that lie in `box`: what is written there is drawn."""
        rows, columns = slice(box.y, box.bottom), slice(box.x, box.right)
        halves = slice(box.y // 2, box.bottom // 2), slice(box.x // 2, box.right // 2)
        return self.y[rows, columns], self.u[halves], self.v[halves]

    def fill(self, box: Box, colour: Colour) -> None:
        """One colour all over."""
        y, u, v = self.planes(box)
        y[:] = colour.y
        u[:] = colour.u
        v[:] = colour.v

    def outline(self, box: Box, thickness: int, colour: Colour) -> None:
        """A frame inside `box`; its thickness is even, too."""
        inner = box.height - 2 * thickness
        self.fill(Box(box.x, box.y, box.width, thickness), colour)
        self.fill(Box(box.x, box.bottom - thickness, box.width, thickness), colour)
        self.fill(Box(box.x, box.y + thickness, thickness, inner), colour)
        self.fill(Box(box.right - thickness, box.y + thickness, thickness, inner), colour)


def cv_array(plane: Plane) -> Any:
    """The plane as OpenCV's stubs want it: they know of no array that is of bytes alone."""
    return cast(Any, plane)
