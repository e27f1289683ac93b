"""Guessers wait, ever longer; memory stays bounded, and made-up keys push nobody out."""

from __future__ import annotations

from server.accounts.throttle import Throttle, WrongKeys


def throttle() -> Throttle:
    return Throttle(free=3, first_wait_s=5, longest_wait_s=60)


def test_waits_double_up_to_the_longest() -> None:
    door, now, waits = throttle(), 100.0, []
    for _ in range(9):
        door.count("k", now)
        waits.append(door.wait_s("k", now))
    assert waits == [0, 0, 5, 10, 20, 40, 60, 60, 60]


def test_a_wait_runs_out_and_others_do_not_wait() -> None:
    door = throttle()
    for _ in range(3):
        door.count("k", 100.0)
    assert door.wait_s("k", 103.0) == 2
    assert door.wait_s("k", 105.0) == 0
    assert door.wait_s("other", 100.0) == 0


def test_success_and_time_forgive() -> None:
    door = throttle()
    for _ in range(3):
        door.count("k", 0.0)
    assert door.tries("k", 3600.0) == 3
    door.forgive("k")
    assert door.wait_s("k", 0.0) == 0
    for _ in range(3):
        door.count("k", 0.0)
    assert door.tries("k", 3601.0) == 0
    door.count("k", 3601.0)
    assert door.wait_s("k", 3601.0) == 0


def test_a_try_taken_back_leaves_those_of_others() -> None:
    door = throttle()
    for _ in range(3):
        door.count("k", 0.0)
    door.take_back("k")
    assert door.wait_s("k", 0.0) == 0
    door.count("k", 0.0)
    assert door.wait_s("k", 0.0) == 5
    door.take_back("unheard of")


def test_memory_is_bounded_and_made_up_keys_push_out_nobody_who_exists() -> None:
    door = throttle()
    for key in ("li", "made up"):
        for _ in range(3):
            door.count(key, 0.0)
    door.keep("li")
    for number in range(12_000):
        door.count(f"k{number}", 0.0)
    assert len(door._passing) == 10_000
    assert door.wait_s("made up", 0.0) == 0
    assert door.wait_s("li", 0.0) == 5
    door.count("li", 0.0)
    assert door.wait_s("li", 0.0) == 10
    for number in range(12_000):
        door.keep(f"k{number}")
    assert len(door._kept) <= 10_000


def test_wrong_keys_are_refused_ever_more_slowly() -> None:
    keys = WrongKeys()
    assert [keys.wait_s("10.0.0.1", 0.0) for _ in range(7)] == [0] * 5 + [5, 5]
    assert keys.wait_s("10.0.0.2", 0.0) == 0
    assert keys.wait_s("10.0.0.1", 5.0) == 0
    assert keys.wait_s("10.0.0.1", 5.0) == 10
