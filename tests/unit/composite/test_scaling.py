"""One picture into one box: in place, in its own proportions, as good as an ideal scaling."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.reformatter import Interpolation

from mixer.composite.layouts import Box
from mixer.composite.picture import Canvas, Colour
from mixer.composite.scaling import Fit, draw_picture, fit, scale_into
from tests.unit.composite.pictures import fine_picture, part, plain_picture, ssim, swscaled

GROUND = Colour(77, 90, 200)
BOX = Box(320, 180, 640, 360)


@pytest.mark.parametrize(
    ("size", "letterbox", "expected"),
    [
        ((1280, 720), False, Fit(Box(0, 0, 1280, 720), BOX)),
        ((1280, 720), True, Fit(Box(0, 0, 1280, 720), BOX)),
        ((640, 480), False, Fit(Box(0, 60, 640, 360), BOX)),
        ((640, 480), True, Fit(Box(0, 0, 640, 480), Box(400, 180, 480, 360))),
        ((2560, 1080), False, Fit(Box(320, 0, 1920, 1080), BOX)),
        ((2560, 1080), True, Fit(Box(0, 0, 2560, 1080), Box(320, 224, 640, 270))),
        ((360, 640), True, Fit(Box(0, 0, 360, 640), Box(540, 180, 202, 360))),
        # 2 % off is rounding, not another shape: no hair-thin bars.
        ((1288, 720), True, Fit(Box(4, 0, 1280, 720), BOX)),
        # What has a tile's size but for the seams is copied, or halved.
        ((1284, 728), False, Fit(Box(2, 4, 1280, 720), BOX)),
        ((656, 368), True, Fit(Box(8, 4, 640, 360), BOX)),
        ((644, 364), False, Fit(Box(2, 2, 640, 360), BOX)),
        ((638, 360), False, Fit(Box(0, 0, 638, 358), BOX)),
        # Odd sizes lose their last row or column, whose colour has only half a sample.
        ((1281, 721), False, Fit(Box(0, 0, 1280, 720), BOX)),
        ((1, 720), True, None),
        ((0, 0), False, None),
    ],
)
def test_a_picture_is_cut_or_has_bars_and_is_never_stretched(
    size: tuple[int, int], letterbox: bool, expected: Fit | None
) -> None:
    assert fit(*size, BOX, letterbox=letterbox) == expected


@pytest.mark.parametrize("letterbox", [True, False])
@pytest.mark.parametrize(
    "size", [(2, 2), (3, 5), (16, 16), (2, 1000), (4000, 2), (1919, 1079), (640, 360), (5000, 4000)]
)
def test_no_size_draws_outside_its_box(size: tuple[int, int], letterbox: bool) -> None:
    canvas = Canvas(1280, 720, GROUND)
    assert draw_picture(canvas, plain_picture(*size, 200, 50, 60), BOX, letterbox=letterbox)
    for plane, inside, ground in zip(
        (canvas.y, canvas.u, canvas.v), canvas.planes(BOX), (77, 90, 200), strict=True
    ):
        assert not (inside == ground).any()
        assert (plane == ground).sum() == plane.size - inside.size


def test_a_picture_of_no_size_draws_nothing() -> None:
    canvas = Canvas(1280, 720, GROUND)
    assert not draw_picture(canvas, plain_picture(1, 1, 200), BOX, letterbox=True)
    assert (canvas.y == GROUND.y).all()


def test_bars_are_black_and_the_picture_is_between_them() -> None:
    canvas = Canvas(1280, 720, GROUND)
    draw_picture(canvas, plain_picture(640, 480, 200), BOX, letterbox=True)
    inside = part(canvas, BOX)
    assert (inside[:, :80] == 16).all() and (inside[:, -80:] == 16).all()
    assert (inside[:, 80:-80] == 200).all()


@pytest.mark.parametrize(
    ("source", "tile"),
    [
        ((640, 360), (640, 360)),
        ((640, 360), (480, 270)),
        ((640, 360), (576, 324)),
        ((1280, 720), (640, 360)),
        ((1280, 720), (480, 270)),
        ((1920, 1080), (416, 234)),
        ((320, 180), (640, 360)),
    ],
)
def test_a_tile_is_as_good_as_an_ideal_scaling(
    source: tuple[int, int], tile: tuple[int, int]
) -> None:
    picture = fine_picture(*source)
    canvas = Canvas(1280, 720, GROUND)
    box = Box(100, 40, *tile)
    draw_picture(canvas, picture, box, letterbox=False)
    ideal = swscaled(picture.y, *tile, Interpolation.LANCZOS)
    ffmpeg = swscaled(picture.y, *tile, Interpolation.BILINEAR)
    ours = ssim(part(canvas, box), ideal)
    assert ours > 0.95
    assert ours > ssim(ffmpeg, ideal) - 0.01


def test_it_is_scaled_in_place() -> None:
    """OpenCV makes another array without a word when it cannot write into the one it is given."""
    plane = np.zeros((400, 500), np.uint8)
    scale_into(np.full((90, 160), 99, np.uint8), plane[10:100, 20:340])
    assert (plane == 99).sum() == 90 * 320
