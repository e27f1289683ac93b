"""Token buckets per source."""

from __future__ import annotations

from mixer.transport.rate_limit import SourceBudget


def test_burst_then_rate() -> None:
    budget = SourceBudget(rate_per_s=2, burst=3)
    assert [budget.take("192.0.2.1", 0.0) for _ in range(4)] == [True, True, True, False]
    assert budget.take("192.0.2.1", 0.5)
    assert not budget.take("192.0.2.1", 0.5)
    assert budget.refused == 2


def test_a_clock_that_stands_gives_nothing() -> None:
    budget = SourceBudget(rate_per_s=1000, burst=1)
    assert [budget.take("192.0.2.1", 5.0) for _ in range(3)] == [True, False, False]


def test_table_is_bounded_and_forgets_the_oldest() -> None:
    budget = SourceBudget(rate_per_s=0, burst=1, max_sources=10)
    for last in range(200):
        assert budget.take(f"192.0.2.{last}", 0.0)
    assert len(budget) == 10
    assert not budget.take("192.0.2.199", 0.0)
