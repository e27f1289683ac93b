"""Who leads sits at one computer: a second one takes the place over, and the first is told."""

from __future__ import annotations

import pytest

from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Source
from tests.unit.signaling.desk import Desk, refusal
from tests.unit.signaling.sample_lesson import GRACE_S, bearer_of


def test_a_second_computer_takes_the_lead_over_and_the_first_is_told() -> None:
    desk = Desk()
    first, room = desk.join("lead"), desk.join("room-1")
    first.publish(Source.TEACHER, Source.ROOM)
    second = desk.join("lead", enters=False)
    assert first.closed is None, "who only looks takes nothing"
    assert second.ask(m.Enter()) == "done"
    assert first.closed is CloseCode.REPLACED
    seat = room.seats["lead"]
    assert ([one.device_id for one in seat.devices], seat.sources) == ([second.device_id], [])
    assert seat.sound_device == second.device_id
    third = desk.join("lead", takes_lead=True)
    assert second.closed is CloseCode.REPLACED
    assert third.welcome is not None
    assert third.welcome.carries_sound
    assert (desk.state.led, room.of(m.LessonEnded)) == (True, [])


def test_what_was_replaced_does_not_come_back_by_itself() -> None:
    desk = Desk()
    first = desk.join("lead")
    assert first.welcome is not None
    first.cut()
    second = desk.join("lead", takes_lead=True)
    back = desk.join("lead", resume=first.welcome.resume)
    assert refusal(back) == "leads-elsewhere"
    assert second.closed is None
    second.cut()
    assert refusal(desk.join("lead", resume=first.welcome.resume)) == "leads-elsewhere"
    assert second.welcome is not None
    second = desk.join("lead", resume=second.welcome.resume)
    assert desk.join("lead", takes_lead=True).welcome is not None, "by somebody's hand"
    assert second.closed is CloseCode.REPLACED


def test_a_hand_takes_the_lead_with_a_key_that_is_no_longer_known() -> None:
    """A PC that looked, slept for ten minutes, and at which the teacher presses the button then."""
    desk = Desk()
    slept = desk.join("lead", enters=False)
    assert slept.welcome is not None
    slept.cut()
    desk.advance(GRACE_S)
    other = desk.join("lead")
    back = desk.join("lead", resume=slept.welcome.resume, takes_lead=True)
    assert back.welcome is not None
    assert back.welcome.carries_sound
    assert other.closed is CloseCode.REPLACED


@pytest.mark.parametrize("known", [False, True], ids=["left for a while", "looked"])
def test_who_comes_without_a_hand_replaces_nobody(*, known: bool) -> None:
    desk = Desk()
    first = desk.join("lead", enters=not known)
    assert first.welcome is not None
    if not known:
        first.say(m.Leave())
    second = desk.join("lead")
    resume = first.welcome.resume if known else None
    assert refusal(desk.join("lead", resume=resume)) == "leads-elsewhere"
    assert second.closed is None
    assert desk.join("lead", bearer=bearer_of("colleague")).welcome is not None, "of another"
    second.cut()
    assert (desk.join("lead", resume=resume).welcome is None) is known, "else it may be that one"


def test_the_one_window_is_reloaded_without_a_hand() -> None:
    desk = Desk()
    lead = desk.join("lead", takes_lead=True)
    assert lead.welcome is not None
    back = desk.join("lead", resume=lead.welcome.resume)  # before the old line's end is noticed
    assert back.welcome is not None
    assert back.device_id == lead.device_id


def test_a_lead_whose_time_ran_out_comes_back_where_nobody_took_the_place() -> None:
    desk = Desk()
    first = desk.join("lead")
    assert first.welcome is not None
    first.cut()
    desk.advance(GRACE_S + 1)
    assert desk.join("lead", resume=first.welcome.resume).welcome is not None


def test_nobody_else_is_replaced_by_the_lead() -> None:
    """A PC or an encoder at the lead's seat, a colleague, an observer's two windows."""
    desk = Desk()
    others = [
        desk.join("lead", kind=DeviceKind.ROOM_PC, bearer=bearer_of("lead", room_device=True)),
        desk.join("lead", kind=DeviceKind.ENCODER, over_http=True),
        desk.join("lead", bearer=bearer_of("colleague")),
        desk.join("observer-1"),
        desk.join("observer-1"),
        desk.join("room-1"),
        desk.join("room-1"),
    ]
    desk.join("lead")
    assert [other.closed for other in others] == [None] * len(others)
