"""What is noted of arrivals: the least delayed packets, soon, sparingly, and apart over a break."""

from __future__ import annotations

import random

from mixer.reading.least_delay import LEAST_DELAY_WINDOW_S, LeastDelay

RATE = 1000


def points(arrivals: list[tuple[float, float]], *, ended: bool = True) -> list[tuple[float, float]]:
    """(track time, arrival) of what is noted of packets given so."""
    least = LeastDelay(RATE)
    found = [p for x, at in arrivals for p in least.observe(round(x * RATE), at)]
    found += least.take() if ended else []
    return [(rtp / RATE, at) for rtp, at in found]


def evenly(begins: float, ends: float, *, delay: float = 0.05) -> list[tuple[float, float]]:
    """A packet every 20 ms, each as late as the others."""
    return [(n / 50, n / 50 + delay) for n in range(round(begins * 50), round(ends * 50))]


def test_the_first_packet_is_a_point_and_more_come_soon() -> None:
    """A recorder may be killed at any moment."""
    for lived in (0.02, 0.4, 1.0, 2.0, 5.0):
        found = points(evenly(0, lived), ended=False)
        assert found[0] == (0.0, 0.05)
        assert len(found) >= 1 + (lived > 0.4) + (lived > 1.0) + (lived > 2.0)


def test_a_lesson_has_few_points() -> None:
    found = points(evenly(0, 2400))
    assert len(found) <= 2400 / LEAST_DELAY_WINDOW_S + 8


def test_the_least_delayed_packet_of_a_window_is_kept() -> None:
    rng = random.Random(4)
    late = [(x, at + rng.expovariate(20)) for x, at in evenly(0, 60)]
    late[2000] = (40.0, 40.05)
    found = points(sorted(late, key=lambda packet: packet[1]))
    assert (40.0, 40.05) in found
    for begins in range(0, 60, 10):
        assert min(at - x for x, at in found if begins <= x < begins + 10) < 0.052


def test_a_sender_that_stood_still_has_a_point_on_both_sides() -> None:
    before, after = evenly(0, 7), [(x, at + 2.0) for x, at in evenly(7, 20)]
    found = points(before + after)
    index = found.index((7.0, 9.05))  # the very first packet afterwards
    assert found[index - 1][0] < 7.0
    assert all(at - x < 0.06 for x, at in found[:index])
    assert all(at - x > 2.0 for x, at in found[index:])


def test_what_grows_late_little_by_little_has_its_points_too() -> None:
    """Ten times 20 ms in a second: each is a jitter's size, together they are none."""
    packets = evenly(0, 7) + [
        (x, at + 0.02 * min(10, int((x - 7) * 10))) for x, at in evenly(7, 14)
    ]
    found = points(packets)
    for second in (7.3, 7.6, 7.9, 8.4, 13.0):
        late = dict(packets)[round(second * 50) / 50] - second
        nearest = min(found, key=lambda point: abs(point[0] - second))
        assert abs(nearest[1] - nearest[0] - late) < 0.07, second
    assert len(found) < 20


def test_a_line_that_held_all_up_leaves_no_doubt_either() -> None:
    held = [(x, max(at, 9.05) if x >= 7 else at) for x, at in evenly(0, 20)]
    found = points(held)
    assert (7.0, 9.05) in found
    assert min(at - x for x, at in found if x > 9) < 0.06


def test_a_line_that_swings_writes_no_points_without_end() -> None:
    rng = random.Random(6)
    at, arrivals = 0.0, []
    for n in range(60 * 50):
        at = max(at, n / 50 + rng.choice((0.0, 0.0, 0.0, 0.5)))
        arrivals.append((n / 50, at))
    assert len(points(arrivals)) < 60 * 5


def test_a_count_that_begins_anew_is_noted_apart() -> None:
    least = LeastDelay(RATE)
    for x, at in evenly(0, 3):
        least.observe(round(x * RATE), at)
    before = least.begin_anew()
    assert len(before) == 1
    assert least.observe(900_000, 3.1) == [(900_000, 3.1)]
    assert least.begin_anew() == []
