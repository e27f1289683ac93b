"""Recorders and finishings killed at random, as the benchmark does a hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.archive import ASKED, MOST_LOST_S, judged, measure_kills

pytestmark = pytest.mark.timeout(600)

KILLS = 4  # the first is of the finishing, too


@pytest.mark.thorough
@pytest.mark.alone
def test_a_kill_costs_a_second_at_most_and_all_else_plays(tmp_path: Path) -> None:
    found = measure_kills(tmp_path, KILLS, seed=7)
    assert found["kills_not_whole"] == 0
    assert 0 < found["kill_lost_most_s"] <= MOST_LOST_S


def test_each_figure_is_judged_by_what_was_asked() -> None:
    assert judged({}) == []
    bounds = {name: bound for name, (_, bound) in ASKED.items()}
    assert all(line.endswith(" met") for line in judged(bounds))
    worse = {n: b * 2 + 1 if sign == "≤" else b / 2 for n, (sign, b) in ASKED.items()}
    missed = judged(worse)
    assert len(missed) == len(ASKED)
    assert all(line.endswith("MISSED") for line in missed)
