"""A drawn classroom that moves: what a simulated seat's camera sees.

Owns the drawing alone: pictures as I420 arrays, no pacing and no codec. The picture is drawn once
as a two-second loop (drawing it live would cost more than encoding it); per frame only the mark
and the clock are written. Every school has its own wall colour and pupils; the Chinese text uses
the font that OpenCV 5 carries.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from server.simulate.identity import Mark, strip_rows, write_mark

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Point = tuple[float, float]

LOOP_S = 2.0
# Drawn twice as large and shrunk: smooth edges for a drawing that is made only once.
_OVERSAMPLING = 2

_WALLS: tuple[Colour, ...] = (  # blue, green, red, as OpenCV orders them
    (214, 232, 242),
    (226, 238, 222),
    (240, 230, 222),
    (222, 226, 240),
    (216, 238, 240),
)
_SHIRTS: tuple[Colour, ...] = ((176, 120, 60), (90, 150, 90), (90, 90, 190), (60, 150, 200))
_SKIN: Colour = (180, 205, 235)
_HAIR: Colour = (40, 36, 34)
_DESK: Colour = (120, 165, 200)
_BOARD: Colour = (72, 98, 60)
_WOOD: Colour = (90, 130, 165)
_CHALK: Colour = (235, 240, 238)


@dataclass(frozen=True, slots=True)
class SceneView:
    """What to draw. `source` is the lesson's name of it; sizes in pixels, even."""

    identity: int
    name: str
    school: str
    source: str
    width: int
    height: int
    frame_rate: float


class Scene:
    """One source's loop, drawn on creation (about 0.2 s at 640×360: do it in a thread)."""

    def __init__(self, view: SceneView) -> None:
        if view.width % 2 or view.height % 2 or view.width < 80 or view.height < 48:
            raise ValueError(f"a picture of {view.width}×{view.height} cannot be drawn")
        self.view = view
        count = max(1, round(LOOP_S * view.frame_rate))
        self._calm = [_draw(view, index / count, hand=False) for index in range(count)]
        self._hand = [_draw(view, index / count, hand=True) for index in range(count)]
        self._clock_text = ""
        self._clock = np.zeros((0, 0), dtype=np.uint8)

    def picture(
        self, counter: int, *, at: float = 0.0, hand: bool = False, clock: str | None = None
    ) -> Picture:
        """One frame as I420, shape (height · 3/2, width): the loop, the clock, the mark.

        A drawing goes by its counter; `at` is for films.
        """
        loop = self._hand if hand else self._calm
        picture = loop[counter % len(loop)].copy()
        self._write_clock(picture, clock if clock is not None else time.strftime("%H:%M:%S"))
        write_mark(picture[: self.view.height], Mark(self.view.identity, counter))
        return picture

    def _write_clock(self, picture: Picture, text: str) -> None:
        if text != self._clock_text:
            self._clock_text, self._clock = text, _clock_face(text, self.view.height)
        high, wide = self._clock.shape
        margin = self.view.height // 24
        left = self.view.width - margin - wide
        if left > 0:
            picture[margin : margin + high, left : left + wide] = self._clock


def _clock_face(text: str, height: int) -> Picture:
    """The time as light digits on dark, a twelfth of the picture high."""
    high = max(8, height // 12 * 2 // 2)
    size = max(6, round(high * 0.8))
    font = cv2.FontFace("sans")
    box = cv2.getTextSize((0, 0), text, (0, 0), font, size)
    face = np.full((high, box[2] + 8, 3), 40, dtype=np.uint8)
    cv2.putText(face, text, (4, round(high * 0.82)), (225, 225, 225), font, size)
    return np.ascontiguousarray(face[:, :, 0])


def _draw(view: SceneView, phase: float, *, hand: bool) -> Picture:
    """One picture of the loop as I420; `phase` 0…1 is the place in the loop."""
    canvas = _Canvas(view)
    if view.source == "teacher":
        _teacher(canvas, phase)
    elif view.source in ("board", "screen"):
        _slide(canvas, phase)
    else:
        _pupils(canvas, phase, hand=hand)
    return canvas.i420()


class _Canvas:
    """A drawing surface 640 units wide and 360 high, whatever the pixels."""

    def __init__(self, view: SceneView) -> None:
        self.view = view
        self.across = view.width * _OVERSAMPLING / 640
        self.down = view.height * _OVERSAMPLING / 360
        shape = (view.height * _OVERSAMPLING, view.width * _OVERSAMPLING, 3)
        self.pixels = np.full(shape, _WALLS[view.identity % len(_WALLS)], dtype=np.uint8)

    def at(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.across), round(y * self.down)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        cv2.rectangle(self.pixels, self.at(left, top), self.at(right, bottom), colour, -1)

    def ball(self, x: float, y: float, radius: float, colour: Colour) -> None:
        cv2.circle(self.pixels, self.at(x, y), round(radius * self.down), colour, -1, cv2.LINE_AA)

    def oval(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        axes = (round(wide * self.across), round(high * self.down))
        cv2.ellipse(self.pixels, self.at(x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)

    def bar(self, start: Point, end: Point, thick: float, colour: Colour) -> None:
        width = max(1, round(thick * self.down))
        cv2.line(self.pixels, self.at(*start), self.at(*end), colour, width, cv2.LINE_AA)

    def text(
        self, words: str, x: float, y: float, size: float, colour: Colour, *, room: float
    ) -> None:
        """Words centred on `x`, their foot on `y`, made smaller until they are in `room` units."""
        face = cv2.FontFace("sans")
        pixels = max(6, round(size * self.down))
        box = cv2.getTextSize((0, 0), words, (0, 0), face, pixels)
        while box[2] > room * self.across and pixels > 6:
            pixels -= max(1, pixels // 12)
            box = cv2.getTextSize((0, 0), words, (0, 0), face, pixels)
        left, foot = self.at(x, y)
        cv2.putText(self.pixels, words, (left - box[2] // 2, foot), colour, face, pixels)

    def i420(self) -> Picture:
        size = (self.view.width, self.view.height)
        small = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
        _clear_strip_colour(picture, self.view.height)
        return picture


def _clear_strip_colour(picture: Picture, height: int) -> None:
    """Grey under the mark, so that its white and black have no tint."""
    half_width = picture.shape[1] // 2
    first = strip_rows(height)[0] // 2
    for plane in np.split(picture[height:].reshape(-1), 2):
        plane.reshape(height // 2, half_width)[first:] = 128


def _board(canvas: _Canvas, left: float, right: float, bottom: float) -> None:
    canvas.box(left - 5, 21, right + 5, bottom + 5, _WOOD)
    canvas.box(left, 26, right, bottom, _BOARD)
    canvas.box(left - 5, bottom + 5, right + 5, bottom + 9, (70, 100, 130))


def _pupils(canvas: _Canvas, phase: float, *, hand: bool) -> None:
    """The class seen from the front: the school's name on the back wall, two rows of pupils."""
    view = canvas.view
    _board(canvas, 116, 508, 126)
    canvas.text(view.school or view.name, 312, 76, 38, _CHALK, room=370)
    if view.school:
        canvas.text(view.name, 312, 112, 24, _CHALK, room=370)
    _window(canvas, 20, phase)
    canvas.box(0, 205, 640, 360, (190, 205, 214))
    for row, (y, size, count) in enumerate(((196, 20, 6), (262, 27, 5))):
        for seat in range(count):
            place = (640 * (seat + 0.75) / (count + 0.5), y)
            number = row * 7 + seat + view.identity
            raised = hand and (row, seat) == (1, 2)
            _pupil(canvas, place, size, number, phase=phase, raised=raised)
        desk = y + size * 2.1
        canvas.box(0, desk, 640, desk + 40, (176, 194, 204))
        canvas.box(12, desk, 628, desk + 15, _DESK)
        canvas.box(12, desk + 13, 628, desk + 15, (90, 130, 165))


def _pupil(
    canvas: _Canvas, place: Point, size: float, number: int, *, phase: float, raised: bool
) -> None:
    x, y = place
    nod = math.sin(2 * math.pi * (phase + number * 0.37)) * size * 0.09
    sway = math.cos(2 * math.pi * (phase + number * 0.61)) * size * 0.12
    shirt = _SHIRTS[number % len(_SHIRTS)]
    canvas.oval(x, y + size * 1.9, size * 1.15, size * 1.0, shirt)
    if raised:
        wave = math.sin(2 * math.pi * phase) * size * 0.3
        hand = (x + size * 1.5 + wave, y - size * 1.6)
        canvas.bar((x + size, y + size * 1.5), (hand[0], hand[1] + size * 0.3), 13, shirt)
        canvas.ball(*hand, size * 0.38, _SKIN)
    canvas.ball(x + sway, y + nod - size * 0.12, size * 1.06, _HAIR)
    canvas.oval(x + sway, y + nod + size * 0.18, size * 0.86, size * 0.84, _SKIN)
    open_eyes = (phase * 24 + number * 5) % 24 > 1.5
    for side in (-0.34, 0.34):
        eye = (x + sway + side * size, y + nod + size * 0.12)
        if open_eyes:
            canvas.ball(*eye, size * 0.1, _HAIR)
        else:
            lid = (eye[0] + size * 0.1, eye[1])
            canvas.bar((eye[0] - size * 0.1, eye[1]), lid, 1.5, _HAIR)
    smile = canvas.at(x + sway, y + nod + size * 0.42)
    axes = (round(size * 0.28 * canvas.across), round(size * 0.18 * canvas.down))
    thick = max(1, round(1.8 * canvas.down))
    cv2.ellipse(canvas.pixels, smile, axes, 0, 20, 160, (90, 90, 190), thick, cv2.LINE_AA)


def _window(canvas: _Canvas, left: float, phase: float) -> None:
    """Sky, hills, and a cloud that rocks to and fro."""
    canvas.box(left - 4, 24, left + 80, 132, (235, 245, 248))
    canvas.box(left, 28, left + 76, 128, (245, 220, 180))
    cloud = left + 36 + 8 * math.sin(2 * math.pi * phase)
    for shift, radius in ((-9, 6), (0, 9), (10, 7)):
        canvas.ball(cloud + shift, 50, radius, (252, 250, 248))
    hill = np.array([canvas.at(left + x, y) for x, y in _HILL], dtype=np.int32)
    cv2.fillPoly(canvas.pixels, [hill], (110, 170, 120), cv2.LINE_AA)
    canvas.box(left + 36, 28, left + 40, 128, (235, 245, 248))


_HILL = ((0, 128), (0, 104), (20, 86), (38, 100), (56, 80), (76, 98), (76, 128))


def _teacher(canvas: _Canvas, phase: float) -> None:
    """A teacher before the board, pointing."""
    view = canvas.view
    _board(canvas, 30, 508, 232)
    canvas.text(view.school or view.name, 240, 84, 34, _CHALK, room=390)
    canvas.text("12 × 4 = 48    S = a × b", 240, 136, 28, _CHALK, room=390)
    canvas.text(view.name, 240, 190, 26, _CHALK, room=330)
    canvas.box(0, 300, 640, 360, (150, 175, 195))
    sway = 5 * math.sin(2 * math.pi * phase)
    shirt = _SHIRTS[view.identity % len(_SHIRTS)]
    canvas.oval(500 + sway, 300, 58, 95, shirt)
    tip = (404 + 12 * math.sin(2 * math.pi * phase), 168 + 12 * math.cos(2 * math.pi * phase))
    canvas.bar((462 + sway, 246), (430, 206), 18, shirt)
    canvas.ball(428, 203, 11, _SKIN)
    canvas.bar((428, 203), tip, 3, (60, 90, 140))
    canvas.ball(500 + sway, 168, 44, _HAIR)
    canvas.oval(500 + sway, 178, 36, 36, _SKIN)
    for side in (-13, 13):
        canvas.ball(500 + side + sway, 174, 4, _HAIR)
    mouth = 3 + 3 * abs(math.sin(8 * math.pi * phase))
    canvas.oval(500 + sway, 196, 10, mouth, (80, 80, 180))


def _slide(canvas: _Canvas, phase: float) -> None:
    """A slide: title, lines, a bar chart whose bars breathe."""
    view = canvas.view
    canvas.box(0, 0, 640, 360, (252, 252, 252))
    canvas.box(0, 0, 640, 58, (150, 120, 40))
    canvas.text(view.school or view.name, 270, 42, 30, (255, 255, 255), room=460)
    for line in range(4):
        canvas.box(50, 96 + 44 * line, 250 - 30 * (line % 2), 106 + 44 * line, (190, 185, 180))
        canvas.ball(34, 101 + 44 * line, 6, (150, 120, 40))
    for index in range(6):
        high = 60 + 22 * index + 16 * math.sin(2 * math.pi * (phase + index / 6))
        left = 320 + 46 * index
        canvas.box(left, 290 - high, left + 32, 290, _SHIRTS[index % len(_SHIRTS)])
    canvas.bar((310, 290), (600, 290), 3, (90, 90, 90))
