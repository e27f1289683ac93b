"""A recording's way from its lesson to the library: the table, and what crosses on the way."""

from __future__ import annotations

import pytest

from server.recordings.phases import AGAIN, FAILS_AS, FOLLOWS, LIVE, RecorderPhase
from server.recordings.recorded import Recorded


def at(phase: RecorderPhase) -> Recorded:
    return Recorded("rec1", "lesson1", phase=phase)


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
    first, *then = (RecorderPhase(name) for name in way.split())
    recorded = at(first)
    for phase in then:
        assert recorded.reach(phase)
        assert recorded.phase is phase


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
    *way, wanted = (RecorderPhase(name) for name in step.split())
    recorded = at(way[0])
    for phase in way[1:]:
        assert recorded.reach(phase)
    assert not recorded.reach(wanted)
    assert recorded.phase is way[-1]
    assert not recorded.reach(None)


def test_the_table_is_whole() -> None:
    """Every phase leads to the library; what fails can be tried again, from where it failed."""
    assert set(FOLLOWS) == set(RecorderPhase)
    for phase in RecorderPhase:
        reached, seen = {phase}, set[RecorderPhase]()
        while reached - seen:
            seen |= reached
            reached |= {after for one in seen for after in FOLLOWS[one]}
        assert RecorderPhase.FINISHED in reached
    for doing, failed in FAILS_AS.items():
        assert failed in FOLLOWS[doing]
    for failed, doing in AGAIN.items():
        assert doing in FOLLOWS[failed]
        assert FAILS_AS[doing] is failed
    assert set(FAILS_AS.values()) == set(AGAIN)
    assert not LIVE & (set(FAILS_AS) | set(AGAIN) | {RecorderPhase.INTERRUPTED})
    assert LIVE | set(FAILS_AS) | set(AGAIN) | {RecorderPhase.INTERRUPTED} == set(RecorderPhase)


@pytest.mark.parametrize("phase", RecorderPhase)
def test_a_lesson_goes_on_while_it_is_recorded_or_pauses(phase: RecorderPhase) -> None:
    assert at(phase).live == (phase.value in {"recording", "paused"})
