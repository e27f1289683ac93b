"""Hostile reports at the pump's reader of them, hostile arrivals at its writer of feedback.

The invariants stand at the top of `report_harness.c`.
"""

from __future__ import annotations

import re

import pytest

from tests.fuzz.pump.conftest import Build
from tests.fuzz.pump.test_native_core import told
from tests.fuzz.rounds import SEED, rounds

ROUNDS = {"reader": rounds(100_000), "writer": rounds(30_000)}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("side", ROUNDS)
def test_hostile_reports_and_arrivals(build: Build, side: str) -> None:
    counts = re.fullmatch(
        r"(\d+) taken, (\d+) not\n", told(build("report_harness.c"), side, SEED + 1, ROUNDS[side])
    )
    assert counts
    taken, not_taken = map(int, counts.groups())
    assert taken + not_taken == ROUNDS[side]
    assert min(taken, not_taken) > ROUNDS[side] // 200, "one side is hardly reached"
