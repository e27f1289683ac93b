"""A recording's way from its lesson to the library: the table, and what crosses on the way."""

from __future__ import annotations

import pytest

from server.recordings.recorded import Recorded
from server.recordings.stages import AGAIN, FAILS_AS, FOLLOWS, LIVE, Stage


def at(stage: Stage) -> Recorded:
    return Recorded("rec1", "lesson1", stage=stage)


@pytest.mark.parametrize(
    "way",
    [
        "recording closing finishing finished",
        "recording paused recording closing finishing finished",
        "recording paused closing finishing finished",
        "recording closing not-closed closing finishing finished",
        "recording closing finishing not-finished finishing finished",
        "interrupted recording paused closing",
        "interrupted finishing finished",
        "finishing finished not-finished finishing",  # its manifest could not be read
        "closing not-closed finishing finished",  # it was closed when it was told as failed
        "not-finished finished",  # it was tried twice
    ],
)
def test_ways_to_the_library(way: str) -> None:
    first, *then = (Stage(name) for name in way.split())
    recorded = at(first)
    for stage in then:
        assert recorded.reach(stage)
        assert recorded.stage is stage


@pytest.mark.parametrize(
    "step",
    [
        "paused closing recording",  # the disk has room again just as the lesson ends
        "recording finishing",  # nothing is finished before its lesson is over
        "paused not-finished",
        "closing paused",  # the disk refuses just as the lesson ends
        "finishing closing",
        "finished finishing",
        "recording interrupted",
        "recording finished",
    ],
)
def test_what_crosses_on_its_way_changes_nothing(step: str) -> None:
    *way, wanted = (Stage(name) for name in step.split())
    recorded = at(way[0])
    for stage in way[1:]:
        assert recorded.reach(stage)
    assert not recorded.reach(wanted)
    assert recorded.stage is way[-1]
    assert not recorded.reach(None)


def test_the_table_is_whole() -> None:
    """Every stage leads to the library; what fails can be tried again, from where it failed."""
    assert set(FOLLOWS) == set(Stage)
    for stage in Stage:
        reached, seen = {stage}, set[Stage]()
        while reached - seen:
            seen |= reached
            reached |= {after for one in seen for after in FOLLOWS[one]}
        assert Stage.FINISHED in reached
    for doing, failed in FAILS_AS.items():
        assert failed in FOLLOWS[doing]
    for failed, doing in AGAIN.items():
        assert doing in FOLLOWS[failed]
        assert FAILS_AS[doing] is failed
    assert set(FAILS_AS.values()) == set(AGAIN)
    assert not LIVE & (set(FAILS_AS) | set(AGAIN) | {Stage.INTERRUPTED})
    assert LIVE | set(FAILS_AS) | set(AGAIN) | {Stage.INTERRUPTED} == set(Stage)


@pytest.mark.parametrize("stage", Stage)
def test_a_lesson_goes_on_while_it_is_recorded_or_pauses(stage: Stage) -> None:
    assert at(stage).live == (stage.value in {"recording", "paused"})
