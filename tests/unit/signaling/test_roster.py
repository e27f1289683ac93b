"""Who is here: joining, capacity, the lock, the lesson's own life, devices that came by HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from mixer.model import Direction, LinkState, TransportChanged
from signaling.lesson.roster import HTTP_DEVICE_SETUP_S
from signaling.lesson.rules import LivePhase
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Source
from tests.unit.signaling.desk import Client, Desk, refusal
from tests.unit.signaling.sample_lesson import LESSON, START


def test_welcome_tells_who_one_is_and_the_whole_lesson() -> None:
    desk = Desk()
    lead = desk.join("lead")
    lead.say(m.SendChat(text="good morning"))
    welcome = desk.join("room-1").welcome
    assert welcome is not None
    assert (welcome.seat_id, welcome.role, welcome.carries_sound) == ("room-1", "room", True)
    assert [seat.seat_id for seat in welcome.seats] == ["lead", "room-1", "room-2", "room-3"]
    assert [seat.present for seat in welcome.seats] == [True, True, False, False]
    assert [line.text for line in welcome.chat] == ["good morning"]
    assert welcome.lesson.title == "Fractions"
    assert welcome.server_time == START


def test_the_others_hear_of_a_join_and_the_newcomer_does_not_hear_twice() -> None:
    desk = Desk()
    lead = desk.join("lead")
    room = desk.join("room-1")
    assert lead.of(m.SeatChanged)[-1].seat.present
    assert [message.type for message in room.received] == ["welcome"]


@pytest.mark.parametrize(
    ("seat", "fields", "code"),
    [
        ("room-9", {}, "no-such-seat"),
        ("lead-2", {}, "no-such-seat"),
        ("lead", {"protocol": 99}, "wrong-protocol"),
        ("lead", {"token": False}, "token-expired"),
        ("lead", {"token": False, "resume": f"{LESSON}~unknown"}, "token-expired"),
    ],
)
def test_who_is_not_let_in(seat: str, fields: dict[str, Any], code: str) -> None:
    desk = Desk()
    before = desk.lesson.save()
    assert refusal(desk.join(seat, **fields)) == code
    assert desk.lesson.save() == before


def test_a_token_for_another_role_at_a_planned_seat_is_refused() -> None:
    desk = Desk()
    desk.join("observer-1")
    plan = desk.plan
    assert "observer-1" not in {seat.seat_id for seat in plan.seats}
    assert refusal(desk.join("room-4")) == "no-such-seat"


def test_a_locked_lesson_lets_in_only_who_was_here() -> None:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1")
    lead.say(m.SetLock(locked=True))
    assert refusal(desk.join("room-2")) == "lesson-locked"
    assert refusal(desk.join("observer-1")) == "lesson-locked"
    room.say(m.Leave())
    assert desk.join("room-1").welcome is not None


def test_capacity_of_guests_and_devices() -> None:
    desk = Desk(settings=SignalingSettings(guests_per_lesson=2, devices_per_seat=2))
    first = desk.join("observer-1")
    desk.join("observer-2")
    assert refusal(desk.join("observer-3")) == "lesson-full"
    first.say(m.Leave())
    assert desk.join("observer-3").welcome is not None
    desk.join("room-1")
    desk.join("room-1")
    assert refusal(desk.join("room-1")) == "seat-full"


def test_an_observers_seat_is_gone_with_it() -> None:
    desk = Desk()
    lead, observer = desk.join("lead"), desk.join("observer-1")
    observer.say(m.Leave())
    assert observer.closed is CloseCode.LEFT
    assert lead.of(m.SeatRemoved) == [m.SeatRemoved(seat_id="observer-1")]


def test_a_second_join_on_a_connection_is_refused_and_harmless() -> None:
    desk = Desk()
    lead = desk.join("lead")
    assert lead.ask(m.Join(token="t")) == "already-joined"
    assert lead.closed is None


def test_messages_before_joining_are_refused() -> None:
    desk = Desk()
    stranger = Client(desk, 99)
    desk.clients[99] = stranger
    assert stranger.ask(m.RaiseHand()) == "not-joined"


# --- the lesson's own life ------------------------------------------------------------------------


def test_the_lesson_goes_on_without_the_lead() -> None:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1")
    assert desk.lesson.phase is LivePhase.RUNNING
    lead.say(m.Leave())
    assert desk.lesson.phase is LivePhase.WAITING
    desk.advance(3600)
    assert room.closed is None
    assert desk.join("lead").welcome is not None
    assert desk.lesson.phase is LivePhase.RUNNING


@pytest.mark.parametrize(
    ("present", "seconds"),
    [((), 1800), (("observer-1",), 1800), (("room-1",), 7200)],
)
def test_a_lesson_nobody_holds_times_out(present: tuple[str, ...], seconds: float) -> None:
    desk = Desk()
    for seat in present:
        desk.join(seat)
    desk.advance(seconds - 1)
    assert desk.closed is None
    desk.advance(1)
    assert desk.closed is not None
    assert desk.closed.reason == "timed-out"


def test_the_end_is_told_to_all_and_nobody_comes_in_after() -> None:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1")
    assert lead.ask(m.EndLesson()) == "done"
    for client in (lead, room):
        assert client.of(m.LessonEnded) == [m.LessonEnded(reason="by-lead")]
        assert client.closed is CloseCode.LESSON_ENDED
    assert desk.closed is not None
    assert refusal(desk.join("room-2")) == "lesson-ended"
    assert desk.lesson.next_timer() is None


# --- devices that came by HTTP --------------------------------------------------------------------


def report(desk: Desk, client: Client, state: LinkState) -> None:
    desk.notice(TransportChanged(client.device_id, Direction.PUBLISH, state))


def test_an_encoder_is_away_when_its_media_is_silent_and_back_when_it_is_heard() -> None:
    desk = Desk()
    encoder = desk.join("room-1", kind=DeviceKind.ENCODER, over_http=True)
    encoder.publish(Source.BOARD)
    report(desk, encoder, LinkState.CONNECTED)
    report(desk, encoder, LinkState.LOST)
    assert desk.seat("room-1").away_since == START
    report(desk, encoder, LinkState.CONNECTED)
    assert desk.seat("room-1").present
    report(desk, encoder, LinkState.CLOSED)
    assert not any(d.connected for d in desk.seat("room-1").devices)
    assert encoder.closed is CloseCode.LEFT


def test_an_encoder_that_never_connects_leaves() -> None:
    desk = Desk()
    desk.join("lead")
    desk.join("room-1", kind=DeviceKind.ENCODER, over_http=True)
    desk.advance(HTTP_DEVICE_SETUP_S)
    assert not any(d.connected for d in desk.seat("room-1").devices)


def test_an_encoder_without_sound_leaves_the_sound_to_the_next() -> None:
    desk = Desk()
    desk.join("room-1", kind=DeviceKind.ENCODER, over_http=True, offers_sound=False)
    welcome = desk.join("room-1", kind=DeviceKind.ROOM_PC).welcome
    assert welcome is not None
    assert welcome.carries_sound


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (DeviceKind.ROOM_PC, {Source.STUDENTS}),
        (DeviceKind.TABLET, {Source.STUDENTS}),
        (DeviceKind.ENCODER, {Source.STUDENTS, Source.TEACHER}),
        (DeviceKind.SIMULATED, {Source.STUDENTS, Source.TEACHER}),
    ],
)
def test_a_browser_is_not_told_of_a_network_camera(kind: DeviceKind, told: set[Source]) -> None:
    """It would send a picture of its own in its place, and be refused with its sound."""
    desk = Desk()
    seat = next(seat for seat in desk.plan.seats if seat.seat_id == "room-1")
    for place, source in enumerate(seat.profile.sources):
        if source.source is Source.TEACHER:
            given = source.model_copy(update={"from_network": True})
            seat.profile.sources[place] = given
    welcome = desk.join("room-1", kind=kind).welcome
    assert welcome is not None
    assert {one.source for one in welcome.profile.sources} - {Source.ROOM} == told
