"""Who leads: a person at the lead's seat. A lesson that nobody leads comes to its end."""

from __future__ import annotations

import pytest

from signaling.lesson import events as e
from signaling.lesson.rules import LivePhase
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Mode
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import START, bearer_of

SETTINGS = SignalingSettings()
LEAD_ROOM = bearer_of("lead", room_device=True)


def lead_classroom(desk: Desk) -> Client:
    return desk.join("lead", kind=DeviceKind.ROOM_PC, bearer=LEAD_ROOM)


def test_a_room_pc_at_the_leads_seat_leads_nothing() -> None:
    desk = Desk(Mode.DELIVERY)
    pc = lead_classroom(desk)
    assert desk.seat("lead").present, "its picture is there"
    assert (desk.lesson.phase, desk.state.led) == (LivePhase.WAITING, False)
    lead = desk.join("lead")
    assert (desk.lesson.phase, desk.state.led) == (LivePhase.RUNNING, True)
    assert pc.lesson is not None
    assert pc.lesson.led
    lead.say(m.Leave())
    assert (desk.lesson.phase, pc.lesson.led) == (LivePhase.WAITING, False)


def test_a_lead_who_was_here_is_away_and_not_still_to_come() -> None:
    desk = Desk()
    pc = lead_classroom(desk)
    assert (desk.state.led, desk.state.begun) == (False, False), "a room's device begins nothing"
    lead = desk.join("lead")
    assert (desk.state.led, desk.state.begun) == (True, True)
    lead.say(m.Leave())
    assert pc.lesson is not None
    assert (pc.lesson.led, pc.lesson.begun) == (False, True)
    desk.kill_and_restore()
    assert (desk.state.led, desk.state.begun) == (False, True)


def test_a_lead_who_only_looks_leads_nothing_until_they_enter() -> None:
    desk = Desk()
    room = desk.join("room-1")
    lead = desk.join("lead", enters=False)
    assert desk.seat("lead").present
    assert (desk.lesson.phase, desk.state.begun) == (LivePhase.WAITING, False)
    assert lead.ask(m.GiveFloor(seat_id="room-1")) == "lead-only"
    assert desk.entries("lesson_running") == []
    assert lead.ask(m.Enter()) == "done"
    assert room.lesson is not None
    assert (room.lesson.led, room.lesson.begun) == (True, True)
    assert len(desk.entries("lesson_running")) == 1
    assert lead.ask(m.GiveFloor(seat_id="room-1")) == "done"


def test_who_comes_back_enters_or_looks_as_they_say() -> None:
    desk = Desk()
    lead = desk.join("lead")
    assert lead.welcome is not None
    lead.cut()
    desk.join("lead", resume=lead.welcome.resume, enters=False)
    assert not desk.state.led
    desk.join("lead", resume=lead.welcome.resume)
    assert desk.state.led


def test_a_lesson_with_room_pcs_alone_ends_the_lead_classrooms_too() -> None:
    desk = Desk()
    lead_classroom(desk)
    desk.join("room-1", kind=DeviceKind.ROOM_PC)
    desk.advance(SETTINGS.lead_absent_s - 1)
    assert desk.closed is None
    desk.advance(1)
    assert desk.closed is not None
    assert desk.closed.reason == "timed-out"


@pytest.mark.parametrize(
    "message",
    [
        m.GiveFloor(seat_id="room-1"),
        m.MuteSeat(seat_id="room-1", muted=True),
        m.MuteAll(muted=True),
        m.LowerAllHands(),
        m.SetLayout(layout=m.Layout.WALL),
        m.SetPlaces(places=[m.PicturePlace(seat_id="room-1")]),
        m.SetDirecting(directing=m.Directing.MANUAL),
        m.SetSpotlight(seat_id="room-1"),
        m.SetLock(locked=True),
        m.SetRecording(recording=False),
        m.RemoveDevice(device_id="device-2"),
        m.Readmit(seat_id="room-1"),
        m.EndLesson(),
    ],
    ids=lambda message: message.type,
)
def test_what_only_leads_do_is_for_a_person(message: m.ClientMessage) -> None:
    desk = Desk()
    pc = lead_classroom(desk)
    desk.join("room-1")
    assert pc.ask(message) == "lead-only"
    assert desk.join("lead").ask(message) == "done"


def test_the_longest_length_ends_every_lesson_and_is_warned_of() -> None:
    desk = Desk(settings=SignalingSettings(longest_lesson_s=7200, lesson_warned_s=600))
    lead, room = desk.join("lead"), desk.join("room-1")
    desk.advance(6599)
    assert desk.state.ends_at is None
    desk.advance(1)
    for client in (lead, room):
        assert client.lesson is not None
        assert client.lesson.ends_at == START + 7200
    assert [entry["ends_at"] for entry in desk.entries("ending_soon")] == [START + 7200]
    desk.advance(599)
    assert desk.closed is None
    desk.advance(1)
    assert desk.closed is not None
    assert (desk.closed.at, desk.closed.reason) == (START + 7200, "too-long")
    for client in (lead, room):
        assert client.of(m.LessonEnded) == [m.LessonEnded(reason="too-long")]


def test_a_crash_does_not_make_the_lesson_longer() -> None:
    desk = Desk(settings=SignalingSettings(longest_lesson_s=7200, lesson_warned_s=600))
    desk.join("lead")
    desk.advance(7000)
    desk.kill_and_restore()
    desk.join("lead")
    desk.advance(0)
    assert desk.state.ends_at == START + 7200, "warned of again"
    desk.advance(200)
    assert desk.closed is not None
    assert desk.closed.reason == "too-long"


def test_another_lead_is_told_to_all() -> None:
    desk = Desk()
    room = desk.join("room-1")
    desk.feed(e.LeadRenamed("Mr Wang"))
    assert room.seats["lead"].name == "Mr Wang"
    assert [entry["name"] for entry in desk.entries("lead_renamed")] == ["Mr Wang"]
    desk.feed(e.LeadRenamed("Mr Wang"))
    assert len(desk.entries("lead_renamed")) == 1
