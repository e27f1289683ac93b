"""The rules of a lesson, read as tables and then played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from signaling.lesson import rules
from signaling.lesson.machine import (
    PUBLISH_REQUESTS,
    REMOVAL_REQUESTS,
    SEAT_REQUESTS,
    SUBSCRIBE_REQUESTS,
)
from signaling.protocol import messages as m
from signaling.protocol.messages import Mode, Role, Source
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import publish

LEAD, ROOM, ASSISTANT, OBSERVER = Role.LEAD, Role.ROOM, Role.ASSISTANT, Role.OBSERVER


def test_every_request_has_a_permission_and_one_handler() -> None:
    requests = set(m.Request.__subclasses__()) - {m.Join}
    assert set(rules.PERMISSIONS) == requests
    tables: list[Mapping[type[m.Request], object]] = [
        SEAT_REQUESTS,
        REMOVAL_REQUESTS,
        PUBLISH_REQUESTS,
        SUBSCRIBE_REQUESTS,
    ]
    tables.append({m.Enter: 0, m.OfferSound: 0, m.Leave: 0, m.Ping: 0, m.TakeProgram: 0})
    handled = [message for table in tables for message in table]
    assert sorted(handled, key=str) == sorted(requests, key=str)


# message, then what lead, room, assistant and observer are answered in blended and delivery
ANSWERS = [
    (m.Ping(), "pong", "pong", "pong", "pong"),
    (m.SetLayout(layout=m.Layout.WALL), "done", "lead-only", "done", "lead-only"),
    (
        m.SetPlaces(places=[m.PicturePlace(seat_id="room-1")]),
        "done",
        "lead-only",
        "done",
        "lead-only",
    ),
    (
        m.SetDirecting(directing=m.Directing.MANUAL),
        "done",
        "lead-only",
        "done",
        "lead-only",
    ),
    (m.SetSpotlight(seat_id="room-1"), "done", "lead-only", "done", "lead-only"),
    (m.GiveFloor(seat_id="room-1"), "done", "lead-only", "done", "lead-only"),
    (m.TakeFloor(), "done", "no-floor", "done", "not-allowed"),
    (m.MuteSeat(seat_id="room-1", muted=True), "done", "lead-only", "done", "lead-only"),
    (m.MuteAll(muted=True), "done", "lead-only", "done", "lead-only"),
    (m.LowerAllHands(), "done", "lead-only", "done", "lead-only"),
    (m.RaiseHand(), "not-allowed", "done", "not-allowed", "not-allowed"),
    (m.LowerHand(), "done", "done", "done", "not-allowed"),
    (m.LowerHand(seat_id="room-1"), "done", "lead-only", "done", "not-allowed"),
    (m.Mute(muted=True), "done", "done", "not-allowed", "not-allowed"),
    (m.SendChat(text="hello"), "done", "done", "done", "not-allowed"),
    (m.SetLock(locked=True), "done", "lead-only", "lead-only", "lead-only"),
    (m.SetRecording(recording=True), "done", "lead-only", "lead-only", "lead-only"),
    (m.MarkChapter(), "done", "lead-only", "done", "lead-only"),
    (m.Enter(), "done", "done", "done", "done"),
    (m.OfferSound(offers=True), "done", "done", "source-not-allowed", "source-not-allowed"),
    (m.TakeProgram(taken=True), "no-program", "no-program", "no-program", "no-program"),
    (m.TakeProgram(taken=False), "done", "done", "done", "done"),
    (m.Subscribe(wants=[]), "done", "done", "done", "done"),
    (m.SubscribeAnswer(sdp="v=0"), "no-offer", "no-offer", "no-offer", "no-offer"),
    (
        publish(Source.TEACHER),
        "published",
        "published",
        "source-not-allowed",
        "source-not-allowed",
    ),
    (
        m.Unpublish(source=Source.BOARD),
        "unknown-source",
        "unknown-source",
        "source-not-allowed",
        "source-not-allowed",
    ),
    (
        m.ScreenPage(),
        "unknown-source",
        "unknown-source",
        "source-not-allowed",
        "source-not-allowed",
    ),
    (m.EndLesson(), "done", "lead-only", "lead-only", "lead-only"),
    (m.Leave(), "done", "done", "done", "done"),
]


@pytest.mark.parametrize("mode", [Mode.BLENDED, Mode.DELIVERY])
@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row[0].type)
def test_who_is_answered_what(mode: Mode, row: tuple[m.ClientMessage, str, str, str, str]) -> None:
    message, *expected = row
    answers = []
    for seat in ("lead", "room-2", "assistant-1", "observer-1"):
        desk = Desk(mode)
        clients = {
            name: desk.join(name)
            for name in ("lead", "room-1", "room-2", "assistant-1", "observer-1")
        }
        answers.append(clients[seat].ask(message))
    assert answers == expected


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (m.SetLayout(layout=m.Layout.WALL), "done"),
        (m.SetSpotlight(seat_id="room-2"), "done"),
        (m.RaiseHand(), "done"),
        (m.MuteSeat(seat_id="room-2", muted=True), "lead-only"),
        (m.MuteAll(muted=True), "lead-only"),
        (m.SetLock(locked=True), "lead-only"),
        (m.EndLesson(), "lead-only"),
        (publish(Source.SCREEN), "published"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.type,
)
def test_in_a_research_meeting_the_picture_is_for_each(
    message: m.ClientMessage, answer: str
) -> None:
    desk = Desk(Mode.RESEARCH)
    room = desk.join("room-1")
    desk.join("room-2")
    assert room.ask(message) == answer


# mode, role, has the floor, lead's mute, own mute → its sound goes to the others
AUDIBLE = [
    (Mode.DELIVERY, ROOM, False, False, False, False),
    (Mode.DELIVERY, ROOM, True, False, False, True),
    (Mode.DELIVERY, ROOM, True, True, False, False),
    (Mode.DELIVERY, ROOM, True, False, True, False),
    (Mode.DELIVERY, LEAD, False, False, False, True),
    (Mode.DELIVERY, LEAD, False, False, True, False),
    (Mode.BLENDED, ROOM, False, False, False, True),
    (Mode.BLENDED, ROOM, False, True, False, False),
    (Mode.BLENDED, ROOM, False, False, True, False),
    (Mode.RESEARCH, ROOM, False, False, False, True),
]


@pytest.mark.parametrize(("mode", "role", "floor", "by_lead", "own", "heard"), AUDIBLE)
def test_whose_sound_goes_out(
    mode: Mode, role: Role, *, floor: bool, by_lead: bool, own: bool, heard: bool
) -> None:
    desk = Desk(mode)
    lead = desk.join("lead")
    room = desk.join("room-1")
    lead.publish(Source.ROOM)
    room.publish(Source.ROOM)
    seat, client = ("lead", lead) if role is LEAD else ("room-1", room)
    if floor:
        assert lead.ask(m.GiveFloor(seat_id=seat)) == "done"
    if by_lead:
        assert lead.ask(m.MuteSeat(seat_id=seat, muted=True)) == "done"
    if own:
        assert client.ask(m.Mute(muted=True)) == "done"
    assert (seat in desk.heard_seats()) is heard
    assert desk.seat(seat).may_speak is heard


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("mode", list(Mode))
def test_assistants_and_observers_are_never_heard(mode: Mode, role: Role) -> None:
    can = rules.can_sound(mode, role)
    assert can is (role in (LEAD, ROOM))
    for source in Source:
        allowed = rules.may_send(source, mode=mode, role=role, has_floor=True)
        assert allowed is can


def test_in_delivery_a_room_shares_its_screen_only_with_the_floor() -> None:
    desk = Desk(Mode.DELIVERY)
    lead, room = desk.join("lead"), desk.join("room-1")
    assert room.ask(publish(Source.SCREEN)) == "source-not-allowed"
    lead.say(m.GiveFloor(seat_id="room-1"))
    screen = room.publish(Source.SCREEN)["screen"]
    assert desk.media.paused[screen] is False
    lead.say(m.TakeFloor())
    assert desk.media.paused[screen] is True


@pytest.mark.parametrize(
    "table",
    [rules.LESSON_TRANSITIONS, rules.DEVICE_TRANSITIONS, rules.SUBSCRIBE_TRANSITIONS],
)
def test_every_state_can_be_reached_and_every_life_can_end(
    table: dict[tuple[Any, Any], Any],
) -> None:
    kind: Any = type(next(iter(table.values())))
    states = set(kind)
    assert {state for state, _trigger in table} | set(table.values()) == states
    if table is not rules.SUBSCRIBE_TRANSITIONS:
        (end,) = states - {state for state, _trigger in table}
        assert end in table.values()
