"""Layers: size, bitrate and life."""

from __future__ import annotations

import pytest

from mixer.forward.layers import (
    Layer,
    LayerMeter,
    Stream,
    layer_for_tile,
    layer_sizes,
    smallest_first,
)
from mixer.forward.pace import SILENT_AFTER_S
from mixer.model import Kind

UNKNOWN = (Layer(1), Layer(1), Layer(1))
KNOWN = (
    Layer(1, width=320, height=180),
    Layer(1, width=640, height=360),
    Layer(1, width=1280, height=720),
)


@pytest.mark.parametrize("layers", [UNKNOWN, KNOWN])
@pytest.mark.parametrize(
    ("width", "height", "layer"),
    [
        (0, 0, 0),
        (160, 90, 0),
        (320, 180, 0),
        (400, 225, 0),  # a quarter larger is hardly seen
        (401, 226, 1),
        (700, 394, 1),
        (1000, 180, 0),  # the picture is shown whole: the height decides
        (1280, 720, 2),
        (3840, 2160, 2),
    ],
)
def test_layer_for_tile(layers: tuple[Layer, ...], width: int, height: int, layer: int) -> None:
    assert layer_for_tile(layers, width, height) == layer


def test_unknown_sizes_follow_from_known_ones() -> None:
    layers = (Layer(1), Layer(1, width=960, height=540), Layer(1))
    assert layer_sizes(layers) == [(480, 270), (960, 540), (1920, 1080)]


def told(*sizes: tuple[int, int]) -> tuple[Layer, ...]:
    return tuple(Layer(1, told_width=width, told_height=height) for width, height in sizes)


OLD_PC = told((320, 180), (640, 360))
RECORDING_ROOM = told((480, 270), (960, 540), (1920, 1080))


@pytest.mark.parametrize(
    ("layers", "tile", "layer"),
    [
        (OLD_PC, (640, 360), 1),  # it was shown blurred
        (OLD_PC, (320, 180), 0),
        (RECORDING_ROOM, (960, 540), 1),  # it was sent 3 Mb/s where 0.8 do
        (RECORDING_ROOM, (480, 270), 0),
        (RECORDING_ROOM, (1920, 1080), 2),
    ],
)
def test_a_profiles_sizes_choose_the_layer(
    layers: tuple[Layer, ...], tile: tuple[int, int], layer: int
) -> None:
    assert layer_for_tile(layers, *tile) == layer


def test_what_comes_corrects_what_was_told() -> None:
    """A camera that gives 640×480 where 1280×720 was asked for."""
    small = Layer(1, width=160, height=120, told_width=320, told_height=180)
    assert layer_sizes((small, *told((640, 360), (1280, 720)))) == [
        (160, 120),
        (320, 240),
        (640, 480),
    ]


def sized(*widths: int) -> tuple[Layer, ...]:
    return tuple(Layer(1, width=w, height=w * 9 // 16) for w in widths)


@pytest.mark.parametrize(
    ("layers", "most", "kept"),
    [
        (sized(320, 640, 1280), 3, [0, 1, 2]),
        (sized(1280, 640, 320), 3, [2, 1, 0]),
        (sized(640, 1280, 320), 3, [2, 0, 1]),
        (sized(640, 640, 320), 3, [2, 0, 1]),  # of one size: as they stand
        (sized(1920, 1280, 640, 320), 3, [3, 2, 0]),
        (sized(320, 480, 640, 960, 1920), 3, [0, 2, 4]),
        (sized(96, 160, 640, 1920), 3, [1, 2, 3]),  # a face of a few dots
        (sized(64, 96, 128, 1920), 3, [0, 2, 3]),
        (sized(320, 640, 1280, 1920), 2, [0, 3]),
        (sized(320, 640, 1280), 1, [1]),
        ((Layer(1), Layer(1), Layer(1)), 3, [0, 1, 2]),
        ((), 3, []),
    ],
)
def test_layers_are_ordered_and_chosen_by_their_pictures(
    layers: tuple[Layer, ...], most: int, kept: list[int]
) -> None:
    assert smallest_first(layers, most=most) == kept


def test_a_single_layer_is_the_layer() -> None:
    assert layer_for_tile((Layer(1),), 64, 36) == 0


def test_live_layers() -> None:
    stream = Stream("p", Kind.VIDEO, (Layer(1), Layer(1, live=False), Layer(1)))
    assert stream.live_layers == (0, 2)


def run(meter: LayerMeter, now: float, seconds: float, bps: float, total: int) -> tuple[float, int]:
    for _ in range(int(seconds * 5)):
        now += 0.2
        total += int(bps / 8 * 0.2)
        meter.update(total, now)
    return now, total


def test_meter_rises_fast_and_falls_slowly() -> None:
    meter = LayerMeter()
    meter.update(0, 0.0)
    now, total = run(meter, 0.0, 5, 400_000, 0)
    assert meter.bitrate_bps == pytest.approx(400_000, rel=0.02)
    now, total = run(meter, now, 2, 1_200_000, total)
    assert meter.bitrate_bps > 1_000_000
    run(meter, now, 2, 200_000, total)
    assert meter.bitrate_bps > 750_000


def test_a_keyframe_at_the_beginning_is_soon_forgotten() -> None:
    meter = LayerMeter()
    meter.update(1_000, 50)
    for step in range(1, 21):  # 40,000 bits at once, then 120 kb/s
        meter.update(6_000 + 1_500 * step, 50 + 0.1 * step)
    assert meter.bitrate_bps < 150_000


def test_meter_knows_a_silent_layer_and_begins_anew_with_it() -> None:
    meter = LayerMeter()
    assert not meter.live(0.0)
    meter.update(0, 0.0)
    assert not meter.live(0.1)
    now, total = run(meter, 0.0, 3, 1_000_000, 0)
    assert meter.live(now)
    assert not meter.live(now + 2.1)
    meter.update(total, now + 10)
    meter.update(total + 5000, now + 10.2)
    assert meter.live(now + 10.3)
    assert meter.bitrate_bps == pytest.approx(200_000)


def test_what_says_nothing_of_the_rate_is_a_sign_of_life() -> None:
    meter = LayerMeter()
    meter.update(0, 0.0)
    now, total = run(meter, 0.0, 3, 1_000_000, 0)
    meter.hear(now + 1)
    assert meter.live(now + 1 + SILENT_AFTER_S / 2)
    assert meter.bitrate_bps == pytest.approx(1_000_000, rel=0.1)
    meter.update(total, now + 10)
    meter.hear(now + 10.2)  # after a silence all is as at the beginning
    assert meter.live(now + 10.2) and meter.bitrate_bps == 0
    meter.update(total + 20_000, now + 10.4)
    assert meter.bitrate_bps == pytest.approx(400_000)


def test_a_slow_layers_bitrate_is_that_of_its_pace() -> None:
    meter = LayerMeter()
    meter.pause_s = 3.0
    meter.update(0, 0.0)
    seen = []
    for step in range(1, 300):  # 30,000 bytes every three seconds, looked at every fifth of one
        now = step * 0.2
        meter.update(30_000 * (step // 15), now, heard_at=3.0 * (step // 15))
        seen.append(meter.bitrate_bps)
    assert all(rate == pytest.approx(80_000, rel=0.05) for rate in seen[100:])


def test_meter_takes_a_counter_that_was_running_and_time_that_stands() -> None:
    meter = LayerMeter()
    meter.update(10**9, 5.0)
    meter.update(2 * 10**9, 5.0)
    assert meter.live(5.1)
    assert meter.bitrate_bps == 0


def test_a_layers_end_is_counted_from_its_last_packet() -> None:
    meter = LayerMeter()
    assert meter.silent_at == float("-inf")
    meter.update(0, 0.0)
    meter.update(1000, 1.0, heard_at=0.25)
    assert meter.silent_at == 0.25 + SILENT_AFTER_S
    meter.update(1000, 2.0, heard_at=0.25)
    assert meter.live(2.2)
    assert not meter.live(2.3)
