"""What a lesson costs among many, and how the search for the most goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.growth import as_data, growth, held_in_words
from benchmarks.lessons import (
    Held,
    Step,
    at_least,
    client_failed,
    holds,
    is_settling,
    likely_limit,
)
from benchmarks.limit_search import LimitSearch
from benchmarks.running import Figures


def figures(
    cost_us: float = 5.0,
    *,
    out: int = 10_000,
    p99: float = 1.0,
    rss_mb: float = 70.0,
    trouble: Mapping[str, int] | None = None,
    **changed: Any,
) -> Figures:
    """One second in which 10,000 packets should have come."""
    made = Figures(5_000, out, 10_000, cost_us, 0.1, p99, rss_mb, 1.0, dict(trouble or {}))
    return replace(made, server_cores=cost_us * out / 1e6, **changed)


def held(cores_ms: Mapping[int, float], *, at_least: str = "") -> Held:
    """A search whose steps held, by lessons and the server's CPU in ms a second."""
    steps = tuple(
        Step(lessons, figures(ms / 10, rss_mb=70.0 + 5 * lessons), held=True)
        for lessons, ms in cores_ms.items()
    )
    return Held(max(cores_ms, default=0), steps, at_least)


@pytest.mark.parametrize("limit", [0, 1, 2, 5, 8, 31, 32, 33, 63, 64, 100])
def test_the_search_comes_near_every_limit(limit: int) -> None:
    search, tried = LimitSearch(64), []
    while (wanted := search.wanted) is not None:
        tried.append(wanted)
        search.handle(wanted <= limit)
    assert search.held <= min(limit, 64)
    assert min(limit, 64) - search.held <= max(0, search.held // 16)
    assert len(tried) < 20
    assert tried[:3] == [1, 2, 4][: len(tried[:3])] or limit < 4


def test_one_bad_second_is_not_a_limit() -> None:
    search = LimitSearch(4)
    told = iter([True, False, True, False, True])
    asked = []
    while (wanted := search.wanted) is not None:
        asked.append(wanted)
        search.handle(next(told))
    assert asked == [1, 2, 2, 4, 4]
    assert search.held == 4


@pytest.mark.parametrize("guess", [1, 7, 40, 60, 1000])
@pytest.mark.parametrize("limit", [0, 1, 5, 16, 33, 64])
def test_a_guess_changes_the_order_but_not_what_counts(limit: int, guess: int) -> None:
    search, tried = LimitSearch(64), []
    while (wanted := search.wanted) is not None:
        tried.append(wanted)
        search.handle(wanted <= limit, likely=guess)
    assert search.held <= limit
    assert limit - search.held <= search.held // 16
    assert search.failed > search.most or tried.count(search.failed) == 2
    assert {n for n in (1, 2, 4, 8, 16, 32, 64) if n <= search.held} <= set(tried)
    assert len(tried) < 30


@pytest.mark.parametrize(
    ("limit", "tries"), [(30, [1, 2, 4, 8, 16, 31, 31, 23, 27, 29, 30]), (31, [1, 2, 4, 8, 16, 31])]
)
def test_the_likely_limit_comes_before_a_doubling_bound_to_fail(
    limit: int, tries: list[int]
) -> None:
    search, tried = LimitSearch(64), []
    while (wanted := search.wanted) is not None:
        tried.append(wanted)
        search.handle(wanted <= limit, likely=31)
    assert tried[: len(tries)] == tries


def test_the_likely_limit_is_where_the_cores_end() -> None:
    cost = figures(0.0, client_cores=0.5)
    assert likely_limit(16, replace(cost, server_cores=1.5), cores=4) == 32
    assert likely_limit(16, replace(cost, server_cores=1.5, others_cores=1.0), cores=4) == 24
    assert likely_limit(16, replace(cost, server_cores=3.5, others_cores=1.0), cores=4) == 16


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([], True),
        ([1.0], True),
        ([1.0, 1.0], False),
        ([0.5, 1.0], True),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 0.95], True),
        ([0.7, 0.6, 0.65, 0.7, 0.68], False),
        ([0.7, 0.6, 0.65, 0.7, 0.68, 1.0], True),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], False),
    ],
)
def test_a_load_settles_while_more_arrives(shares: list[float], expected: bool) -> None:
    assert is_settling(shares) is expected


@pytest.mark.parametrize(
    ("out", "p99", "expected"),
    [(10_000, 20.0, True), (9_989, 1.0, False), (10_000, 20.5, False)],
)
def test_a_lesson_holds_by_loss_and_delay(out: int, p99: float, expected: bool) -> None:
    assert holds(figures(out=out, p99=p99)) is expected


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ({}, False),
        ({"late_ticks": 10}, False),
        ({"late_ticks": 11}, True),
        ({"kernel_drops": 1}, True),
        ({"send_failed": 1}, True),
        ({"delay_over": 900}, False),
        ({"broken": 900}, False),
    ],
)
def test_the_client_says_when_it_is_the_limit(trouble: dict[str, int], expected: bool) -> None:
    assert client_failed(figures(trouble=trouble), client_cores=2.0) is expected


@pytest.mark.parametrize(("cores", "expected"), [(1.7, False), (1.9, True)])
def test_a_client_without_free_cores_is_the_limit(cores: float, expected: bool) -> None:
    assert client_failed(figures(client_cores=cores), client_cores=2.0) is expected


def failing(count: int, **changed: Any) -> list[Step]:
    return [Step(2, replace(figures(p99=30.0), **changed), held=False)] * count


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (failing(2), ""),
        (failing(2, others_cores=1.5), "others used 1.5 cores"),
        (failing(1, others_cores=1.5) + failing(1), ""),
        (failing(2, client_trouble={"kernel_drops": 3}), "load client"),
        (failing(1, client_trouble={"kernel_drops": 3}) + failing(1), ""),
        ([Step(2, None, held=False, why_not="gone")] * 2, ""),
        (failing(1), "60 s were over"),
    ],
)
def test_a_number_is_a_limit_only_if_nothing_else_stood_in_the_way(
    steps: list[Step], expected: str
) -> None:
    search = LimitSearch(2)
    search.handle(held=True)
    for step in steps:
        search.handle(step.held)
    told = at_least(search, steps, limit_s=60.0, client_cores=2.0)
    assert (expected in told) if expected else told == ""


def test_where_nothing_failed_it_is_no_limit() -> None:
    search = LimitSearch(1)
    search.handle(held=True)
    assert at_least(search, [], limit_s=60.0, client_cores=2.0) == "no more were tried"


def test_growth_is_told_by_doublings_and_the_limit() -> None:
    found = held({1: 40.0, 2: 64.0, 4: 128.0, 6: 192.0, 5: 160.0})
    grown = growth(found)
    assert grown is not None
    assert [point.lessons for point in grown.points] == [1, 2, 4, 6]
    assert [point.cpu_ms_per_lesson for point in grown.points] == pytest.approx([40, 32, 32, 32])
    assert grown.max_over_min == pytest.approx(1.25)
    assert grown.rss_mb_per_lesson == pytest.approx(5.0)
    assert "within 25% from 1 to 6 lessons" in grown.in_words()
    assert "-20%" in grown.in_words()
    assert as_data(found)["max_over_min"] == 1.25


def test_what_each_further_lesson_costs_is_told() -> None:
    found = held({1: 40.0, 2: 64.0, 4: 128.0, 6: 200.0})
    assert as_data(found)["cpu_ms_per_further_lesson"] == [None, 24.0, 32.0, 36.0]
    assert as_data(held({1: 40.0}))["cpu_ms_per_further_lesson"] == [None]


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        (
            figures(200.0, out=9_000, p99=31.0, client_cores=0.7),
            "not 2: 10.00% lost, p99 31.0 ms, with 1.8 cores of the server's and 0.7 of the",
        ),
        (None, "not 2: no room"),
    ],
)
def test_it_is_told_how_it_failed(failing: Figures | None, expected: str) -> None:
    last = Step(2, failing, held=False, why_not="no room")
    steps = (Step(1, figures(), held=True), Step(4, None, held=False), last)
    (line,) = held_in_words({"janus": Held(1, steps)})
    assert line.startswith("janus: 1; " + expected)


def test_steps_that_did_not_hold_are_no_growth() -> None:
    failed = (Step(1, figures(), held=False), Step(2, None, held=False, why_not="gone"))
    assert growth(Held(0, failed)) is None
    assert as_data(Held(0, failed))["lessons"] == []
    assert held_in_words({"tongke": Held(0, failed)})[0].startswith("tongke: 0; not 1: ")


def test_what_was_not_the_servers_limit_is_at_least() -> None:
    found = held({1: 10.0}, at_least="the search's 60 s were over")
    assert held_in_words({"janus": found}) == [
        "janus: at least 1 (the search's 60 s were over); "
        "CPU per lesson 10.0 ms/s, with one lesson only"
    ]
