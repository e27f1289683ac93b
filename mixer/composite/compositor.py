"""Draws the program: tiles, pictures and marks in, one picture out.

Owns the canvas and what is dirty on it: a tile is drawn when its picture, its marks or its place
has changed, and when nothing has, nothing is drawn and `compose` says so, so that nothing is
encoded. Where tiles stand is `arrange`'s, when to compose is the clock's. Pictures are kept as they
came and may change their size at any time; one that cannot be shown leaves what was there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mixer.composite.arrange import LABEL_PART, PictureId, Tile, check_size, safe_area
from mixer.composite.badges import Badge, draw_badge
from mixer.composite.layouts import Box
from mixer.composite.lettering import Lettering
from mixer.composite.picture import Canvas, Colour, Picture
from mixer.composite.scaling import draw_picture

GROUND = Colour.of(24, 28, 34)  # between the tiles
SLATE = Colour.of(44, 52, 62)
LABEL = Colour(30, 128, 128)  # text is white on it: legible on any picture
SPEAKS = Colour.of(64, 200, 120)

# A slate's name, of its height; and the words below, of the name's.
_SLATE_NAME = 0.16
_SLATE_WORDS = 0.7


@dataclass(frozen=True, slots=True)
class Marks:
    """What is told of a seat in its tiles. `absence` stands on its slate, in the lesson's words."""

    name: str = ""
    speaking: bool = False
    floor: bool = False
    hand: bool = False
    absence: str = ""


_NO_MARKS = Marks()


class Compositor:
    """One program of one size. `canvas` holds what was composed last."""

    def __init__(
        self, width: int, height: int, lettering: Lettering, canvas: Canvas | None = None
    ) -> None:
        """`canvas` is one of this size to draw on; without, it makes one.

        Raises `ValueError` for a size that cannot be arranged.
        """
        check_size(width, height)
        self.canvas = canvas or Canvas(width, height, GROUND)
        self._lettering = lettering
        self._tiles: dict[PictureId, Tile] = {}
        self._title = ""
        self._pictures: dict[PictureId, Picture] = {}
        self._marks: dict[str, Marks] = {}
        self._dirty: set[PictureId] = set()
        self._moved = True  # tiles or title: all is drawn anew
        self.drawn_tiles = 0
        self.unshowable_pictures = 0

    def lay_out(self, tiles: Iterable[Tile], title: str = "") -> None:
        """From now on these tiles. The title stands above the large one where a layout has room."""
        laid = {tile.picture: tile for tile in tiles}
        if laid != self._tiles or title != self._title:
            self._tiles, self._title = laid, title
            self._moved = True

    def show(self, picture_id: PictureId, picture: Picture) -> None:
        """A new picture of a source, whether it stands anywhere or not."""
        self._pictures[picture_id] = picture
        self._touch(picture_id)

    def forget(self, picture_id: PictureId) -> None:
        """A source is gone: where it stands is a slate from now on."""
        if self._pictures.pop(picture_id, None) is not None:
            self._touch(picture_id)

    def mark(self, seat_id: str, marks: Marks) -> None:
        """What is told of a seat from now on."""
        if self._marks.get(seat_id, _NO_MARKS) != marks:
            self._marks[seat_id] = marks
            self._dirty |= {one for one in self._tiles if one.seat_id == seat_id}

    def forget_seat(self, seat_id: str) -> None:
        """A seat is gone for good, with all of its pictures."""
        self._marks.pop(seat_id, None)
        for picture_id in [one for one in self._pictures if one.seat_id == seat_id]:
            self.forget(picture_id)

    @property
    def is_dirty(self) -> bool:
        """Whether `compose` will draw."""
        return self._moved or bool(self._dirty)

    def move_to(self, canvas: Canvas) -> None:
        """Draw on this one from now on, which becomes a copy of what is there."""
        if not self._moved:  # else all is drawn anyway
            canvas.take(self.canvas)
        self.canvas = canvas

    def compose(self) -> bool:
        """Draw what has changed; False when nothing has."""
        if self._moved:
            self._moved = False
            self.canvas.fill(Box(0, 0, self.canvas.width, self.canvas.height), GROUND)
            self._draw_title()
            self._dirty = set(self._tiles)
        elif not self._dirty:
            return False
        for picture_id in self._dirty:
            self._draw(self._tiles[picture_id])
        self._dirty = set()
        return True

    def _touch(self, picture_id: PictureId) -> None:
        if picture_id in self._tiles:
            self._dirty.add(picture_id)

    def _draw(self, tile: Tile) -> None:
        self.drawn_tiles += 1
        marks = self._marks.get(tile.picture.seat_id, _NO_MARKS)
        picture = self._pictures.get(tile.picture)
        if picture is None:
            self._draw_slate(tile, marks)
        else:
            if not draw_picture(self.canvas, picture, tile.box, letterbox=tile.letterbox):
                self.unshowable_pictures += 1
                self._draw_slate(tile, marks)
            self._lettering.draw_label(self.canvas, marks.name, tile.label, LABEL)
        if marks.speaking:
            self.canvas.outline(tile.box, tile.ring, SPEAKS)
        if marks.floor:
            draw_badge(self.canvas, Badge.FLOOR, tile.badge)
        elif marks.hand:
            draw_badge(self.canvas, Badge.HAND, tile.badge)

    def _draw_slate(self, tile: Tile, marks: Marks) -> None:
        box = tile.box
        self.canvas.fill(box, SLATE)
        name = max(tile.label.height, _even(box.height * _SLATE_NAME))
        words = _even(name * _SLATE_WORDS)
        top = box.y + _even((box.height - name - words * 2) / 2)
        self._lettering.draw_line(
            self.canvas, marks.name, Box(box.x, top, box.width, name), SLATE, centred=True
        )
        below = Box(box.x, top + name + words, box.width, words)
        self._lettering.draw_line(self.canvas, marks.absence, below, SLATE, centred=True)

    def _draw_title(self) -> None:
        place = title_box(self._tiles.values(), self.canvas.width, self.canvas.height)
        if place is not None:
            self._lettering.draw_line(self.canvas, self._title, place, GROUND)


def title_box(tiles: Iterable[Tile], width: int, height: int) -> Box | None:
    """Where the lesson's title has room: above the large tile, inside the safe area."""
    first = next(iter(tiles), None)
    if first is None:
        return None
    safe = safe_area(width, height)
    line = _even(height / LABEL_PART)
    if first.box.y - safe.y < line:
        return None
    left, right = max(first.box.x, safe.x), min(first.box.right, safe.right)
    return Box(left, safe.y + _even((first.box.y - safe.y - line) / 2), right - left, line)


def _even(value: float) -> int:
    return 2 * round(value / 2)
