"""A line that is too thin carries fewer layers, and more again when it is good. In virtual time."""

from __future__ import annotations

from itertools import pairwise

from hardware_profiles.room_agent.line import FIRST_PATIENCE_S, MOST_PATIENCE_S, LineLayers


class Line:
    """Loses what is above its rate; each layer is a hundred packets a second."""

    def __init__(self, sources: tuple[int, ...], carries: int) -> None:
        self.layers = LineLayers(sources)
        self.carries = carries
        self.now = 100.0
        self.changes: list[tuple[float, tuple[int, ...]]] = []

    def run(self, seconds: float) -> tuple[int, ...]:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.5
            sent = 50 * sum(self.layers.carried)
            if self.layers.report(max(0, sent - 50 * self.carries), sent, self.now):
                self.changes.append((self.now, self.layers.carried))
        return self.layers.carried


def test_the_largest_go_first_and_the_main_picture_never() -> None:
    line = Line((2, 3, 1), carries=4)
    assert line.run(12) == (2, 1, 1)
    assert [carried for _, carried in line.changes][:2] == [(2, 2, 1), (2, 1, 1)]
    line.carries = 0
    assert line.run(60) == (1, 0, 0)


def test_a_good_line_is_left_alone_and_one_burst_takes_nothing() -> None:
    line = Line((2, 2), carries=4)
    line.run(30)
    line.carries = 2
    line.run(1)
    line.carries = 4
    line.run(30)
    assert line.changes == []


def test_all_is_back_when_the_line_is() -> None:
    line = Line((2, 2), carries=2)
    assert line.run(12) == (1, 1)
    line.carries = 9
    assert line.run(4 * FIRST_PATIENCE_S + 5) == (2, 2)


def test_what_was_too_much_is_tried_more_and_more_seldom() -> None:
    line = Line((2,), carries=1)
    line.run(1_500)
    tries = [at for at, carried in line.changes if carried == (2,)]
    pauses = [b - a for a, b in pairwise(tries)]
    assert pauses == sorted(pauses) and pauses[0] < 30 and pauses[-1] > MOST_PATIENCE_S
    assert len(tries) < 20


def test_a_handful_of_packets_says_nothing() -> None:
    layers = LineLayers((2,))
    assert not any(layers.report(3, 5, now=n) for n in (0.0, 1.0, 2.0))
