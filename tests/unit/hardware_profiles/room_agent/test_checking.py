"""The button of the agent's own page: what it says when there can be no report."""

from __future__ import annotations

import asyncio

import pytest

from hardware_profiles.doctor.findings import CheckReport
from hardware_profiles.doctor.room import RoomCheck
from hardware_profiles.errors import ProfileError
from hardware_profiles.room_agent.checking import RoomChecking

_TASK = "room-check"


async def _nowhere(report: CheckReport) -> bool:
    raise AssertionError(report)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProfileError("a <key> is wrong " * 60, "有一项写错了"), "有一项写错了"),
        (RuntimeError("s3cret"), "look at the room agent&#x27;s log"),
    ],
)
async def test_a_check_that_cannot_be_made_says_why(error: Exception, words: str) -> None:
    """A profile that was edited since the agent began, for one."""

    def make() -> RoomCheck:
        raise error

    checking = RoomChecking(make, keep=_nowhere, in_lesson=lambda: False)
    checking.start()
    async with asyncio.timeout(20):
        await asyncio.gather(*(one for one in asyncio.all_tasks() if one.get_name() == _TASK))
    assert not checking.runs
    page = checking.page()
    assert words in page and "<button>" in page
    assert "s3cret" not in page and "<key>" not in page
    await checking.stop()
