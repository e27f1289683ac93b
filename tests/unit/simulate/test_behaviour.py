"""When a simulated class raises its hand, speaks and is called on: in virtual time."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from server.simulate.behaviour import Behaviour, Habits, Talk
from signaling.protocol.messages import (
    ClientMessage,
    GiveFloor,
    Hand,
    LessonState,
    LowerHand,
    Mode,
    RaiseHand,
    Role,
    SeatState,
    TakeFloor,
)

SEAT = "room-1"


def lesson(floor: str | None = None) -> LessonState:
    return LessonState(lesson_id="l", title="t", mode=Mode.BLENDED, started_at=0, floor=floor)


def seat(seat_id: str = SEAT, place: int | None = None) -> SeatState:
    hand = None if place is None else Hand(place=place, raised_at=0)
    return SeatState(seat_id=seat_id, role=Role.ROOM, name="n", hand=hand)


def mind(role: Role = Role.ROOM, **habits: Any) -> Behaviour:
    return Behaviour(SEAT, role, Habits(**habits), random.Random(1))


def obedient_lesson(behaviour: Behaviour, seconds: int) -> list[tuple[int, ClientMessage]]:
    """The seat's wishes over a time in which the server grants every one."""
    wishes: list[tuple[int, ClientMessage]] = []
    for now in range(seconds):
        wish = behaviour.wishes(float(now))
        if wish is None:
            continue
        wishes.append((now, wish))
        behaviour.seat_is(seat(place=1 if isinstance(wish, RaiseHand) else None))
    return wishes


def test_a_hand_goes_up_and_down_now_and_then() -> None:
    wishes = obedient_lesson(mind(), 600)
    kinds = [type(wish) for _, wish in wishes]
    assert kinds[:4] == [RaiseHand, LowerHand, RaiseHand, LowerHand]
    assert 6 <= kinds.count(RaiseHand) <= 15
    first_up, first_down = wishes[0][0], wishes[1][0]
    assert 25 <= first_up <= 71 and 15 <= first_down - first_up <= 42


def test_no_hand_while_it_has_the_floor_and_none_when_told_so() -> None:
    behaviour = mind()
    behaviour.lesson_is(lesson(floor=SEAT))
    assert obedient_lesson(behaviour, 600) == []
    assert obedient_lesson(mind(hands=False), 600) == []
    assert obedient_lesson(mind(Role.OBSERVER), 600) == []


def test_a_refused_hand_is_not_asked_again_at_once() -> None:
    behaviour = mind()
    asked = [now for now in range(600) if behaviour.wishes(float(now)) is not None]
    assert len(asked) > 3
    assert min(later - now for now, later in pairwise(asked)) >= 25


def test_a_lead_calls_on_the_first_hand_and_takes_the_floor_back() -> None:
    behaviour = mind(Role.LEAD)
    assert behaviour.wishes(0.0) is None
    behaviour.seat_is(seat("room-2", place=2))
    behaviour.seat_is(seat("room-3", place=1))
    assert behaviour.wishes(10.0) is None
    assert behaviour.wishes(13.9) is None
    assert behaviour.wishes(14.0) == GiveFloor(seat_id="room-3")
    behaviour.seat_is(seat("room-3"))
    behaviour.lesson_is(lesson(floor="room-3"))
    assert behaviour.wishes(15.0) is None
    assert behaviour.wishes(27.0) == TakeFloor()
    behaviour.lesson_is(lesson())
    behaviour.seat_is_gone("room-2")
    assert behaviour.wishes(40.0) is None and behaviour.wishes(60.0) is None


@pytest.mark.parametrize(
    ("talk", "floor", "spoken"),
    [
        (Talk.ALWAYS, None, [1, 1, 1, 1]),
        (Talk.NEVER, SEAT, [0, 0, 0, 0]),
        (Talk.FLOOR, None, [0, 0, 0, 0]),
        (Talk.FLOOR, SEAT, [1, 1, 1, 1]),
        (Talk.TURNS, None, [0, 0, 1, 0]),  # the second of two: turns 0 and 2, silence between
        (Talk.TURNS, SEAT, [1, 1, 1, 1]),
        (Talk.TURNS, "room-2", [0, 0, 0, 0]),
    ],
)
def test_when_a_seat_speaks(talk: Talk, floor: str | None, spoken: list[int]) -> None:
    behaviour = mind(talk=talk, turn=1, turns=2, turn_s=10.0)
    behaviour.lesson_is(lesson(floor))
    assert [int(behaviour.talks(now)) for now in (5.0, 15.0, 25.0, 35.0)] == spoken
