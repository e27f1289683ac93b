"""The network model itself: what it promises the tests that stand on it."""

from __future__ import annotations

import random
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tests.sim.network import Clock, Line


def line(**fields: Any) -> tuple[Clock, Line, list[float]]:
    clock = Clock()
    return clock, Line(clock, random.Random(1), **fields), []


def test_events_happen_in_order_and_ties_as_asked() -> None:
    clock = Clock()
    seen: list[tuple[str, float]] = []

    def see(name: str) -> None:
        seen.append((name, round(clock.now - 1000, 3)))

    for name, delay in (("b", 0.2), ("a", 0.1), ("c", 0.2)):
        clock.after(delay, partial(see, name))
    clock.run(0.15)
    assert seen == [("a", 0.1)]
    clock.run(1)
    assert seen == [("a", 0.1), ("b", 0.2), ("c", 0.2)]
    assert clock.now == 1001.15


def test_the_rate_holds_and_the_queue_is_bounded() -> None:
    clock, path, arrived = line(rate_bps=1e6, delay_s=0.05, queue_s=0.1)
    for _ in range(100):
        path.send(1250, lambda: arrived.append(clock.now))
    clock.run(5)
    gaps = [b - a for a, b in pairwise(arrived)]
    assert gaps == pytest.approx([0.01] * len(gaps))
    assert arrived[0] == pytest.approx(1000.06)
    assert len(arrived) == 11
    assert path.overflowed == 89


@pytest.mark.parametrize("burst", [1, 6])
def test_the_loss_is_what_it_should_be(burst: float) -> None:
    clock, path, arrived = line(loss=0.1, burst=burst)
    for _ in range(20_000):
        path.send(100, lambda: arrived.append(clock.now))
    clock.run(5)
    assert len(arrived) / 20_000 == pytest.approx(0.9, abs=0.02)
    assert path.lost == 20_000 - len(arrived)


def test_a_cut_line_and_a_policed_one() -> None:
    clock, path, arrived = line(rate_bps=0)
    path.send(100, lambda: arrived.append(clock.now))
    path.rate_bps, path.policer_bytes = 8000, 300
    clock.run(1)
    for _ in range(5):
        path.send(100, lambda: arrived.append(clock.now))
    clock.run(1)
    assert len(arrived) == 3


def test_the_same_seed_gives_the_same_network() -> None:
    def arrivals() -> list[float]:
        clock, path, arrived = line(loss=0.2, jitter_s=0.05, reorders=True)

        def send() -> None:
            path.send(100, lambda: arrived.append(clock.now))

        for step in range(200):
            clock.after(step * 0.001, send)
        clock.run(2)
        return arrived

    assert arrivals() == arrivals()
