"""Where pictures may stand, as data: the same for server, pages and compositor."""

from __future__ import annotations

from itertools import combinations

import pytest

from mixer.composite import typescript
from mixer.composite.layouts import BOXES, CANVAS_HEIGHT, CANVAS_WIDTH, Box, ProgramLayout, boxes
from signaling.protocol.terms import Layout

CANVAS = Box(0, 0, CANVAS_WIDTH, CANVAS_HEIGHT)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.right
        and other.x < one.right
        and one.y < other.bottom
        and other.y < one.bottom
    )


@pytest.mark.parametrize("layout", ProgramLayout)
def test_pictures_stand_inside_and_never_over_each_other(layout: ProgramLayout) -> None:
    for count, shape in enumerate(BOXES[layout], start=1):
        assert len(shape) == count
        assert all(CANVAS.holds(box) for box in shape)
        assert not any(overlap(one, other) for one, other in combinations(shape, 2))
        assert shape[0].width * shape[0].height == max(box.width * box.height for box in shape)


@pytest.mark.parametrize(
    ("layout", "counts"),
    [
        ("speaker", range(1, 9)),
        ("wall", range(1, 17)),
        ("screen", range(1, 9)),
        ("lead-and-screen", (1, 2)),
        ("spotlight", (1,)),
        ("dialogue", (1, 2)),
        ("four", range(1, 5)),
    ],
)
def test_each_layout_shows_as_many_as_it_can(layout: str, counts: range) -> None:
    assert [len(shape) for shape in BOXES[ProgramLayout(layout)]] == list(counts)


@pytest.mark.parametrize("layout", ProgramLayout)
def test_more_than_a_layout_shows_are_left_out(layout: ProgramLayout) -> None:
    assert boxes(layout, 99) == BOXES[layout][-1]
    assert boxes(layout, 0) == ()


@pytest.mark.parametrize(
    ("count", "tile"), [(1, 1920), (2, 960), (4, 960), (5, 640), (9, 640), (16, 480)]
)
def test_a_wall_has_tiles_as_large_as_may_be(count: int, tile: int) -> None:
    assert {box.width for box in boxes(ProgramLayout.WALL, count)} == {tile}


def test_a_row_that_is_not_full_stands_in_the_middle() -> None:
    *_, fourth, fifth = boxes(ProgramLayout.WALL, 5)
    assert fourth.x == CANVAS_WIDTH - fifth.right == 320


def test_all_but_a_teacher_beside_a_screen_have_the_shape_of_cameras() -> None:
    cut = {
        (layout, box)
        for layout, shapes in BOXES.items()
        for shape in shapes
        for box in shape
        if box.width * 9 != box.height * 16
    }
    assert {layout for layout, _ in cut} == {ProgramLayout.LEAD_AND_SCREEN}
    assert len(cut) == 1


def test_what_a_lesson_can_be_set_to_is_a_layout_of_the_program() -> None:
    assert {layout.value for layout in Layout} <= {layout.value for layout in ProgramLayout}


def test_the_pages_have_the_same_boxes() -> None:
    assert typescript.main(["--check"]) == 0


def test_a_stale_file_is_told(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{tmp_path}/layouts.ts"
    assert typescript.main(["--check", "--target", target]) == 1
    assert "stale" in capsys.readouterr().err
    assert typescript.main(["--target", target]) == 0
    assert typescript.main(["--check", "--target", target]) == 0
