"""A clock that was never set, or that nothing keeps right, is told."""

from __future__ import annotations

import pytest

from server.clock_fault import clock_fault, is_kept
from tests.unit.server.world import World


@pytest.mark.parametrize(
    ("now", "kept", "fault"),
    [
        (0.0, True, "not set"),
        (1_735_689_599.0, True, "not set"),
        (1_735_689_600.0, True, "ok"),
        (1_800_000_000.0, False, "unsynchronised"),
        (60.0, False, "not set"),
    ],
)
def test_what_is_wrong_with_a_clock(now: float, kept: bool, fault: str) -> None:
    assert clock_fault(now, kept=lambda: kept) == fault


def test_the_kernel_says_whether_it_is_kept() -> None:
    assert is_kept() in {True, False}


async def test_no_lesson_is_taken_with_a_clock_of_1970(world: World) -> None:
    world.clock.now = 3600.0
    answer = await (await world.browser()).get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["clock"]) == (503, "not set")
