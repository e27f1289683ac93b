"""When the agent leaves the room's sound to the page and takes it back; and what it has played."""

from __future__ import annotations

import pytest

from hardware_profiles.room_agent.carrying import BACK_AFTER_S, LOST_AFTER_S, Hearing, Offering
from signaling.protocol.messages import (
    LessonSource,
    LessonState,
    LessonStream,
    Mode,
    Role,
    SeatState,
    Source,
    SourceState,
)


def offered(spells: list[tuple[bool, float]], *, page_takes_over: bool = True) -> list[bool]:
    """What is told, with sound flowing or not for so many seconds each."""
    offering, now, told = Offering(page_takes_over=page_takes_over), 100.0, []
    for flows, seconds in spells:
        until = now + seconds
        while now < until:
            message = offering.look(now, flows=flows)
            if message is not None:
                told.append(message.offers)
            now += 0.5
    return told


@pytest.mark.parametrize(
    ("spells", "told"),
    [
        ([(True, 60)], []),
        ([(False, LOST_AFTER_S - 1), (True, 60)], []),  # the child begins
        ([(True, 9), (False, LOST_AFTER_S + 1)], [False]),
        ([(True, 9), (False, 3_000)], [False]),  # told once
        ([(False, 9), (True, BACK_AFTER_S - 1), (False, 60)], [False]),
        ([(False, 9), (True, BACK_AFTER_S + 1)], [False, True]),
        ([(False, 1), (True, 1)] * 60, []),  # a loose contact: it stays as it is
        ([(False, 9), *[(True, 1), (False, 1)] * 60], [False]),
    ],
)
def test_the_page_takes_over_once_and_gives_back_once(
    spells: list[tuple[bool, float]], told: list[bool]
) -> None:
    assert offered(spells) == told


def test_where_the_profile_forbids_it_the_sound_stays() -> None:
    assert offered([(False, 60), (True, 60)], page_takes_over=False) == []


def source(producer: str, kind: str = "audio") -> SourceState:
    return SourceState(
        source=Source.ROOM if kind == "audio" else Source.TEACHER,
        producer_id=producer,
        device_id="d",
        kind="audio" if kind == "audio" else "video",
    )


def seat(name: str, *sources: SourceState, player: str | None = None) -> SeatState:
    return SeatState(
        seat_id=name,
        role=Role.ROOM,
        name=name,
        sources=list(sources),
        sound_device=player,
        sound_player=player,
    )


def lesson(*mixes: str | None) -> LessonState:
    streams = [
        LessonStream(
            source=LessonSource.MIX, producer_id=f"mix-{owner}", kind="audio", seat_id=owner
        )
        for owner in mixes
    ]
    return LessonState(lesson_id="l", title="t", mode=Mode.BLENDED, started_at=0.0, streams=streams)


@pytest.mark.parametrize(
    ("own", "mixes", "wanted"),
    [
        (seat("me", source("mine"), player="agent"), (), ["a", "b"]),
        (seat("me", source("mine"), player="page"), (), []),
        (seat("me", source("mine"), player="agent"), ("me", None, "other"), ["mix-me"]),
        (seat("me", source("mine"), player="agent"), (None,), ["a", "b"]),  # it would come back
        (seat("me", player="agent"), (None,), ["mix-None"]),
    ],
)
def test_what_is_heard_is_everybody_else_once(
    own: SeatState, mixes: tuple[str | None, ...], wanted: list[str]
) -> None:
    seats = {
        "me": own,
        "one": seat("one", source("a"), source("picture", "video")),
        "two": seat("two", source("b")),
    }
    hearing = Hearing("me", "agent")
    hearing.lesson_is(lesson(*mixes))
    for one in seats.values():
        hearing.seat_is(one)
    assert [want.producer_id for want in hearing.wants(seats)] == wanted
    known = {s.producer_id for one in hearing.owners(seats).values() for s in one.sources}
    assert set(wanted) <= known
