"""What failed is tried again later and later; in virtual time."""

from __future__ import annotations

from server.recordings.retries import FORGIVEN_S, Retries


def tries_of(retries: Retries, until: float) -> list[float]:
    """When one thing is tried that fails each time."""
    now, found = 0.0, []
    retries.failed("r", now)
    while now < until:
        now += 0.5
        for key in retries.due(now):
            retries.tried(key, now)
            found.append(now)
            retries.failed(key, now)
    return found


def test_a_few_times_later_and_later_and_then_no_more() -> None:
    retries = Retries((1.0, 10.0, 100.0), for_ever=False)
    assert tries_of(retries, 10_000.0) == [1.0, 11.0, 111.0]
    retries.tried("r", 20_000.0)  # by hand
    assert retries.failed("r", 20_001.0) is None
    assert retries.due(1e9) == []


def test_for_ever_with_the_last_delay() -> None:
    assert tries_of(Retries((1.0, 5.0), for_ever=True), 20.0) == [1.0, 6.0, 11.0, 16.0]


def test_what_went_well_for_a_while_is_tried_soon_when_it_fails_anew() -> None:
    retries = Retries((1.0, 50.0), for_ever=True)
    assert [retries.failed("r", 0.0)] == [1.0]
    retries.tried("r", 1.0)
    assert retries.failed("r", 2.0) == 50.0
    retries.tried("r", 52.0)
    assert retries.failed("r", 53.0 + FORGIVEN_S) == 1.0


def test_one_failure_told_in_two_ways_is_one() -> None:
    retries = Retries((1.0, 10.0), for_ever=False)
    assert retries.failed("r", 0.0) == 1.0
    assert retries.failed("r", 0.25) == 0.75
    assert retries.due(0.9) == []
    assert retries.due(1.0) == ["r"]


def test_what_went_well_is_forgotten_and_each_has_its_own() -> None:
    retries = Retries((1.0, 10.0), for_ever=False)
    for key in ("a", "b"):
        retries.failed(key, 0.0)
    retries.forget("a")
    assert retries.due(1.0) == ["b"]
    retries.forget("a")
