"""The layers that are needed, and when publishers are told."""

from __future__ import annotations

import pytest

from mixer.forward.layer_demand import UNNEEDED_AFTER_S, LayerDemand, needed_layers
from mixer.forward.layers import Layer, Stream
from mixer.model import Kind, Want

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
