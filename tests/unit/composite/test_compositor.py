"""The program's picture: everybody in their place, and nothing drawn that has not changed."""

from __future__ import annotations

import numpy as np
import pytest

from mixer.composite.arrange import Cast, PictureId, ProgramSeat, Tile, arrange
from mixer.composite.badges import Badge
from mixer.composite.compositor import GROUND, SLATE, SPEAKS, Compositor, Marks, title_box
from mixer.composite.layouts import Box, ProgramLayout
from mixer.composite.lettering import Lettering
from tests.unit.composite.pictures import part, plain_picture

SEATS = (
    ProgramSeat("lead", "lead", ("teacher", "screen")),
    *(ProgramSeat(f"r{number}", "room", ("students",)) for number in range(3)),
)
LETTERS = Lettering()
# What each picture is all over, and no other.
BRIGHT = {"lead.teacher": 60, "lead.screen": 90, "r0": 120, "r1": 150, "r2": 180}


def brightness(picture_id: PictureId) -> int:
    seat, source = picture_id.seat_id, picture_id.source
    return BRIGHT.get(seat) or BRIGHT[f"{seat}.{source}"]


def composed(
    layout: ProgramLayout, size: tuple[int, int] = (1280, 720), cast: Cast | None = None
) -> tuple[Compositor, tuple[Tile, ...]]:
    made = Compositor(*size, LETTERS)
    tiles = arrange(layout, SEATS, *size, cast or Cast())
    made.lay_out(tiles)
    for seat in SEATS:
        for source in seat.sources:
            picture_id = PictureId(seat.seat_id, source)
            made.show(picture_id, plain_picture(320, 180, brightness(picture_id)))
    assert made.compose()
    return made, tiles


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (640, 360)])
@pytest.mark.parametrize("layout", ProgramLayout)
def test_everybody_stands_where_the_layout_says(
    layout: ProgramLayout, size: tuple[int, int]
) -> None:
    made, tiles = composed(layout, size)
    covered = np.zeros_like(made.canvas.y)
    for tile in tiles:
        assert (part(made.canvas, tile.box) == brightness(tile.picture)).all()
        covered[tile.box.y : tile.box.bottom, tile.box.x : tile.box.right] = 1
    assert (made.canvas.y[covered == 0] == GROUND.y).all()


def test_nothing_dirty_is_nothing_composed() -> None:
    made, tiles = composed(ProgramLayout.SPEAKER)
    drawn = made.drawn_tiles
    assert drawn == len(tiles)
    assert not made.compose()
    made.show(PictureId("lead", "screen"), plain_picture(320, 180, 99))
    assert not made.compose(), "it stands nowhere"
    made.lay_out(tiles)
    made.mark("r0", Marks())
    assert not made.compose(), "as it was"
    made.show(PictureId("r1", "students"), plain_picture(320, 180, 200))
    assert made.compose()
    assert made.drawn_tiles == drawn + 1
    made.mark("r1", Marks(speaking=True))
    assert made.compose()
    assert made.drawn_tiles == drawn + 2


def test_another_layout_leaves_nothing_of_the_one_before() -> None:
    made, _ = composed(ProgramLayout.WALL)
    tiles = arrange(ProgramLayout.DIALOGUE, SEATS, 1280, 720)
    made.lay_out(tiles)
    assert made.compose()
    shown = set(np.unique(made.canvas.y).tolist())
    assert shown == {GROUND.y, *(brightness(tile.picture) for tile in tiles)}


def test_who_speaks_has_a_ring_and_it_goes_again() -> None:
    made, tiles = composed(ProgramLayout.WALL)
    before = made.canvas.y.copy()
    tile = tiles[1]
    made.mark(tile.picture.seat_id, Marks(speaking=True))
    made.compose()
    y, u, v = made.canvas.planes(tile.box)
    assert (y[: tile.ring] == SPEAKS.y).all() and (y[:, -tile.ring :] == SPEAKS.y).all()
    assert (u[: tile.ring // 2] == SPEAKS.u).all() and (v[:, : tile.ring // 2] == SPEAKS.v).all()
    assert (y[tile.ring : -tile.ring, tile.ring : -tile.ring] == 120).all()
    made.mark(tile.picture.seat_id, Marks())
    made.compose()
    assert (made.canvas.y == before).all()


@pytest.mark.parametrize(
    ("marks", "badge"),
    [
        (Marks(hand=True), Badge.HAND),
        (Marks(floor=True), Badge.FLOOR),
        (Marks(floor=True, hand=True), Badge.FLOOR),
    ],
)
def test_hand_and_floor_are_signs_of_their_own(marks: Marks, badge: Badge) -> None:
    made, tiles = composed(ProgramLayout.WALL)
    tile = tiles[2]
    made.mark(tile.picture.seat_id, marks)
    made.compose()
    y, u, v = made.canvas.planes(tile.badge)
    assert (u == badge.value.u).all() and (v == badge.value.v).all()
    sign = y > 200
    assert 0.05 < sign.mean() < 0.5, "a sign, and neither all nor nothing"
    assert not sign[:2].any() and not sign[:, :2].any()


def test_a_room_that_is_away_has_a_slate_and_its_last_picture_when_it_is_back() -> None:
    seats = (SEATS[0], ProgramSeat("r0", "room", present=False))
    made = Compositor(1280, 720, LETTERS)
    made.mark("r0", Marks(name="East School", absence="away"))
    tiles = arrange(ProgramLayout.DIALOGUE, seats, 1280, 720)
    assert [tile.picture.source for tile in tiles] == ["teacher"]
    tiles = arrange(ProgramLayout.WALL, seats, 1280, 720)
    made.lay_out(tiles)
    made.compose()
    slate = part(made.canvas, tiles[1].box)
    assert (slate[0] == SLATE.y).all()
    assert 0.005 < (slate > 180).mean() < 0.2, "its name stands on it"


def test_a_source_that_goes_leaves_its_slate() -> None:
    made, tiles = composed(ProgramLayout.WALL)
    made.forget(PictureId("r2", "students"))
    assert made.compose()
    assert (part(made.canvas, tiles[3].box) == SLATE.y).all()
    made.forget_seat("r1")
    assert made.compose()
    assert (part(made.canvas, tiles[2].box) == SLATE.y).all()


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 2), (3, 999), (999, 3), (1919, 1079), (4096, 2160), (720, 576)]
)
def test_a_picture_may_change_its_size_to_anything(size: tuple[int, int]) -> None:
    made, tiles = composed(ProgramLayout.SPEAKER)
    others = [part(made.canvas, tile.box).copy() for tile in tiles[1:]]
    made.show(PictureId("lead", "teacher"), plain_picture(*size, 222))
    assert made.compose()
    inside = part(made.canvas, tiles[0].box)
    assert (inside == (SLATE.y if min(size) < 2 else 222)).all()
    assert made.unshowable_pictures == (min(size) < 2)
    for before, tile in zip(others, tiles[1:], strict=True):
        assert (part(made.canvas, tile.box) == before).all()


def test_a_name_stands_in_its_place_and_the_picture_around_it() -> None:
    made, tiles = composed(ProgramLayout.SPEAKER)
    made.mark("lead", Marks(name="Class 3"))
    made.compose()
    inside = part(made.canvas, tiles[0].box)
    label = part(made.canvas, tiles[0].label)
    assert (label > 200).sum() > 50 and (label[:, :4] == 30).all()
    assert (inside != 60).sum() == (label != 60).sum() > label.shape[0] ** 2


def test_the_title_stands_above_where_there_is_room() -> None:
    made, tiles = composed(ProgramLayout.SPEAKER)
    made.lay_out(tiles, "Fractions")
    assert made.compose()
    place = title_box(tiles, 1280, 720)
    assert place is not None
    assert (part(made.canvas, place) > 200).sum() > 100
    whole = arrange(ProgramLayout.SPOTLIGHT, SEATS, 1280, 720)
    assert title_box(whole, 1280, 720) is None
    assert title_box((), 1280, 720) is None


def test_a_size_that_is_no_program_is_refused() -> None:
    with pytest.raises(ValueError, match="16:9"):
        Compositor(720, 576, LETTERS)


def test_no_seat_is_an_empty_ground() -> None:
    made = Compositor(1280, 720, LETTERS)
    made.lay_out(())
    assert made.compose()
    assert (part(made.canvas, Box(0, 0, 1280, 720)) == GROUND.y).all()
