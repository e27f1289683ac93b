"""After how long without a picture a stream has stopped, by the pauses it has had."""

from __future__ import annotations

import itertools

import pytest

from mixer.forward.pace import (
    FIRST_WAIT_S,
    SILENT_AFTER_S,
    SLOWEST_S,
    Pace,
    silent_after_s,
)

LOOK_S = 0.2


def shown(pauses: list[float]) -> Pace:
    """What is known after pictures with these pauses between them, looked at as the node does."""
    pace = Pace()
    pace.update(0.0, longest_pause_s=0.0, grown=True)
    looked_at = 0.0
    for at, pause in zip(itertools.accumulate(pauses), pauses, strict=True):
        while looked_at + LOOK_S < at:
            looked_at += LOOK_S
            pace.update(looked_at, longest_pause_s=0.0, grown=False)
        pace.update(at, longest_pause_s=pause, grown=True)
    return pace


@pytest.mark.parametrize(
    ("pauses", "waits_s"),
    [
        ([], FIRST_WAIT_S),
        ([0.04] * 100, SILENT_AFTER_S),
        ([1.0] * 20, 2.5),
        ([3.0] * 10, 7.5),
        ([10.0] * 5, 25.0),
        ([SLOWEST_S + 1] * 3, FIRST_WAIT_S),
    ],
)
def test_a_stream_is_waited_for_by_its_own_pace(pauses: list[float], waits_s: float) -> None:
    assert silent_after_s([shown(pauses)]) == pytest.approx(waits_s)


def test_a_screen_that_sends_only_changes_is_not_taken_for_stopped() -> None:
    """Pictures in bursts, and five seconds of nothing between them, again and again."""
    pauses: list[float] = []
    for _ in range(6):
        pauses += [5.0, *[0.05] * 10]
        assert silent_after_s([shown(pauses)]) > 5.0


def test_a_pause_once_is_forgotten() -> None:
    assert silent_after_s([shown([0.04] * 50 + [8.0] + [0.04] * 500)]) == SILENT_AFTER_S


def test_the_fastest_layer_says_how_fast_the_camera_is() -> None:
    camera, stopped = shown([0.04] * 100), shown([5.0] * 4)
    assert silent_after_s([camera, stopped]) == SILENT_AFTER_S
    assert silent_after_s([Pace(), Pace()]) == SILENT_AFTER_S, "another layer can be turned to"
    assert silent_after_s([Pace(), shown([4.0] * 4)]) == 10.0
