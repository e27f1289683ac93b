"""Guessers wait, ever longer; memory stays bounded."""

from __future__ import annotations

from server.accounts.throttle import GuessingGuard, Throttle


def throttle() -> Throttle:
    return Throttle(free=3, first_wait_s=5, longest_wait_s=60, forget_s=3600)


def test_waits_double_up_to_the_longest() -> None:
    door, now, waits = throttle(), 100.0, []
    for _ in range(9):
        door.failed("k", now)
        waits.append(door.wait_s("k", now))
    assert waits == [0, 0, 5, 10, 20, 40, 60, 60, 60]


def test_a_wait_runs_out_and_others_do_not_wait() -> None:
    door = throttle()
    for _ in range(3):
        door.failed("k", 100.0)
    assert door.wait_s("k", 103.0) == 2
    assert door.wait_s("k", 105.0) == 0
    assert door.wait_s("other", 100.0) == 0


def test_success_and_time_forgive() -> None:
    door = throttle()
    for _ in range(3):
        door.failed("k", 0.0)
    door.succeeded("k")
    assert door.wait_s("k", 0.0) == 0
    for _ in range(3):
        door.failed("k", 0.0)
    door.failed("k", 3601.0)
    assert door.wait_s("k", 3601.0) == 0


def test_memory_is_bounded() -> None:
    door = throttle()
    for number in range(12_000):
        door.failed(f"k{number}", 0.0)
    assert len(door._records) == 10_000


def test_one_school_behind_one_address_is_not_shut_out_by_one_person() -> None:
    guard = GuessingGuard()
    for _ in range(10):
        guard.failed("10.0.0.1", "li", 0.0)
    assert guard.wait_s("10.0.0.1", "li", 0.0) > 0
    assert guard.wait_s("10.0.0.1", "wang", 0.0) == 0


def test_many_addresses_on_one_name_are_slowed() -> None:
    guard = GuessingGuard()
    for number in range(60):
        guard.failed(f"10.0.0.{number}", "li", 0.0)
    assert guard.wait_s("10.0.1.1", "li", 0.0) > 0
    assert guard.wait_s("10.0.1.1", "wang", 0.0) == 0


def test_many_names_from_one_address_are_slowed() -> None:
    guard = GuessingGuard()
    for number in range(60):
        guard.failed("10.0.0.1", f"n{number}", 0.0)
    assert guard.wait_s("10.0.0.1", "new", 0.0) > 0
    assert guard.wait_s("10.0.0.2", "new", 0.0) == 0
