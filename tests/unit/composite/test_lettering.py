"""Names as people write them, on any server, with or without fonts."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mixer.composite.layouts import Box
from mixer.composite.lettering import LONGEST_TEXT, MOST_LINES, Lettering
from mixer.composite.picture import Canvas, Colour, Plane

GROUND = Colour(40, 120, 130)
PLACE = Box(20, 10, 300, 40)
LETTERS = Lettering()


def written(text: str, place: Box = PLACE) -> Plane:
    canvas = Canvas(400, 60, GROUND)
    LETTERS.draw_line(canvas, text, place, GROUND)
    outside = canvas.y.copy()
    outside[place.y : place.bottom, place.x : place.right] = GROUND.y
    assert (outside == GROUND.y).all()
    return canvas.planes(place)[0]


def width(plane: Plane) -> int:
    columns = np.flatnonzero((plane != GROUND.y).any(axis=0))
    return int(columns[-1] - columns[0]) + 1 if len(columns) else 0


def test_every_letter_looks_like_itself() -> None:
    """A missing letter is drawn, too: as the same box, or the same mark, for each of them."""
    letters = "东西南北中國學校课桥镇Aag8é，"
    drawn = {written(letter).tobytes() for letter in letters}
    assert len(drawn) == len(letters)
    assert all((written(letter) > 150).sum() > 5 for letter in letters)


def test_chinese_is_no_substitute() -> None:
    """As many strokes, as much ink: a box in its place would have the same for all."""
    ink = {letter: int((written(letter) > 128).sum()) for letter in "一十中国鑫"}
    assert ink["一"] < ink["十"] < ink["中"] < ink["国"] < ink["鑫"]


@pytest.mark.parametrize("text", ["红旗中心小学", "Hongqi School", "五年级（2）班 Class 5.2"])
@pytest.mark.parametrize("height", [20, 40, 60])
def test_text_stands_whole_in_its_line(text: str, height: int) -> None:
    plane = written(text, Box(0, 0, 400, height))
    rows = np.flatnonzero((plane > 128).any(axis=1))
    assert rows[0] >= 1 and rows[-1] <= height - 2, "neither head nor foot is cut"
    assert rows[-1] - rows[0] > height * 0.4, "and it fills its line"


def test_what_does_not_fit_ends_with_an_ellipsis() -> None:
    long = "中心小学" * 20
    plane = written(long)
    assert width(plane) > PLACE.width * 0.8
    assert (plane == written(long[:10] + "…")).all()
    assert (written(long) == written(long + "校")).all()


def test_a_label_is_as_wide_as_its_name_and_none_for_nobody() -> None:
    canvas = Canvas(400, 60, Colour(200, 60, 70))
    LETTERS.draw_label(canvas, "", PLACE, GROUND)
    LETTERS.draw_label(canvas, " \n\t", PLACE, GROUND)
    assert (canvas.y == 200).all()
    LETTERS.draw_label(canvas, "三班", PLACE, GROUND)
    short = int((canvas.u == GROUND.u).sum())
    LETTERS.draw_label(canvas, "三年级三班", PLACE, GROUND)
    assert short < int((canvas.u == GROUND.u).sum()) < PLACE.width * PLACE.height // 4
    outside = canvas.y.copy()
    outside[PLACE.y : PLACE.bottom, PLACE.x : PLACE.right] = 200
    assert (outside == 200).all()


def test_hostile_names_are_drawn_somehow_and_kept_in_bounds() -> None:
    rng = random.Random(5)
    letters = Lettering()
    canvas = Canvas(400, 60, GROUND)
    for number in range(MOST_LINES + 50):
        text = "".join(
            chr(rng.choice([rng.randrange(0x20, 0xD800), 0x1F600, 0x202E, 0, 10])) for _ in range(6)
        )
        letters.draw_line(canvas, f"{number}{text}", PLACE, GROUND)
    letters.draw_line(canvas, "长" * 100_000, PLACE, GROUND)
    letters.draw_line(canvas, "\ud800", PLACE, GROUND)
    letters.draw_line(canvas, "name", Box(0, 0, 4, 2), GROUND)
    letters.draw_label(canvas, "name", Box(0, 0, 8, 8), GROUND)
    assert len(letters._lines) == MOST_LINES
    assert max(len(key[0]) for key in letters._lines) <= LONGEST_TEXT


def test_a_font_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match=r"/no/such\.ttf"):
        Lettering("/no/such.ttf")
