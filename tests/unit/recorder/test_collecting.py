"""The recorder looks at its taps as seldom as none of them comes near to being full."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.collecting import LONGEST_S, SHORTEST_S, Collecting, datagrams_held


def looked_at(held: int, packets_per_s: float, looks: int = 400) -> tuple[float, int]:
    """(seconds between looks in the end, most datagrams that waited in the last hundred)."""
    collecting = Collecting(held)
    owed, waited = 0.0, []
    for _ in range(looks):
        owed += packets_per_s * collecting.collect_s
        waited.append(int(owed))
        owed -= int(owed)
        collecting.took(waited[-1])
    return collecting.collect_s, max(waited[-100:])


@pytest.mark.parametrize(
    ("held", "packets_per_s", "at_least_s", "at_most_s"),
    [
        (10, 50, LONGEST_S, LONGEST_S),  # sound
        (10, 270, SHORTEST_S, 0.03),  # a picture of 2 Mb/s
        (10, 5000, SHORTEST_S, SHORTEST_S),
        (512, 1300, LONGEST_S, LONGEST_S),
        (512, 1e6, SHORTEST_S, SHORTEST_S),
    ],
)
def test_as_seldom_as_nothing_overflows(
    held: int, packets_per_s: float, at_least_s: float, at_most_s: float
) -> None:
    wait_s, most = looked_at(held, packets_per_s)
    assert at_least_s <= wait_s <= at_most_s
    assert most < held or wait_s == SHORTEST_S


def test_a_burst_is_met_at_once() -> None:
    collecting = Collecting(10)
    for _ in range(100):
        collecting.took(0)
    assert collecting.collect_s == LONGEST_S
    for _ in range(3):
        collecting.took(10)
    assert collecting.collect_s == SHORTEST_S


def test_what_the_kernel_says_is_taken(tmp_path: Path) -> None:
    said = tmp_path / "qlen"
    assert datagrams_held(said) == 10
    for text, held in (("512\n", 512), ("none", 10), ("0", 10)):
        said.write_text(text)
        assert datagrams_held(said) == held
