"""What publishers are told: a rate when they have no feedback, and the layers that are needed."""

from __future__ import annotations

import pytest

from mixer.forward.layers import Layer, Stream
from mixer.forward.uplink import (
    FLOOR_BPS,
    UNNEEDED_AFTER_S,
    LayerDemand,
    ReceiveRate,
    needed_layers,
)
from mixer.model import Kind, Want


def test_rate_grows_on_a_clean_line_up_to_what_it_may() -> None:
    rate = ReceiveRate(0.0, max_bps=3_000_000)
    for second in range(1, 12):
        rate.handle(float(second), loss=0.0, received_bps=rate.bitrate_bps)
    assert rate.bitrate_bps == 3_000_000


def test_rate_does_not_run_ahead_of_what_is_sent() -> None:
    rate = ReceiveRate(0.0, max_bps=9_000_000)
    for second in range(1, 30):
        rate.handle(float(second), loss=0.0, received_bps=800_000)
    assert rate.bitrate_bps == 1_600_000


def test_rate_falls_with_loss_and_is_back_in_ten_seconds() -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000, start_bps=2_000_000)
    for second in range(1, 11):
        rate.handle(float(second), loss=0.4, received_bps=300_000)
    assert rate.bitrate_bps < 500_000
    for second in range(11, 21):
        rate.handle(float(second), loss=0.0, received_bps=rate.bitrate_bps)
    assert rate.bitrate_bps == 2_000_000


def test_some_loss_changes_nothing() -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000)
    assert rate.handle(1.0, loss=0.05, received_bps=900_000) == 1_000_000


@pytest.mark.parametrize("loss", [0.5, 1.0])
def test_rate_never_falls_to_nothing(loss: float) -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000)
    for second in range(1, 30):
        rate.handle(float(second), loss=loss, received_bps=0)
    assert rate.bitrate_bps == FLOOR_BPS


def test_a_new_maximum_counts_at_once() -> None:
    rate = ReceiveRate(0.0, max_bps=2_000_000)
    rate.set_max(300_000)
    assert rate.bitrate_bps == 300_000
    rate.set_max(0)
    assert rate.bitrate_bps == FLOOR_BPS


STREAMS = {
    "teacher": Stream("teacher", Kind.VIDEO, (Layer(1), Layer(1), Layer(1))),
    "voice": Stream("voice", Kind.AUDIO, (Layer(1),)),
}


@pytest.mark.parametrize(
    ("wants", "tapped", "layers"),
    [
        ([], [], 1),
        ([[]], [], 1),
        ([[Want("teacher", 320, 180)], [Want("voice"), Want("gone", 9, 9)]], [], 1),
        ([[Want("teacher", 320, 180)], [Want("teacher", 640, 360)]], [], 2),
        ([[Want("teacher", 1920, 1080)]], [], 3),
        ([[Want("teacher", 320, 180)]], ["teacher", "gone"], 3),
        ([], ["voice"], 1),
    ],
)
def test_needed_layers(wants: list[list[Want]], tapped: list[str], layers: int) -> None:
    assert needed_layers(STREAMS, wants, tapped) == {"teacher": layers}


def test_growth_is_told_at_once_and_cuts_after_a_while() -> None:
    demand, offered = LayerDemand(), {"p": 3}
    assert demand.update({"p": 3}, offered, 0.0) == {}, "a publisher begins with all"
    assert demand.update({"p": 1}, offered, 1.0) == {}
    assert demand.update({"p": 3}, offered, 5.0) == {}  # looked away for a moment
    assert demand.update({"p": 1}, offered, 6.0) == {}
    assert demand.update({"p": 1}, offered, 6.0 + UNNEEDED_AFTER_S) == {"p": 1}
    assert demand.update({"p": 2}, offered, 16.1) == {"p": 2}
    assert demand.update({"p": 2}, offered, 40.0) == {}
    assert demand.update({}, {}, 41.0) == {}
    assert demand.update({"p": 1}, offered, 42.0) == {}, "it is a new one: all over again"
    assert demand.update({"p": 1}, offered, 42.0 + UNNEEDED_AFTER_S) == {"p": 1}


def test_a_picture_of_one_layer_is_never_spoken_of() -> None:
    demand = LayerDemand()
    assert [demand.update({"p": 1}, {"p": 1}, float(at)) for at in range(30)] == [{}] * 30
