"""A line that is cut: the place is kept for a time, and its device is back with it."""

from __future__ import annotations

import pytest

from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import GRACE_S, START


def in_the_middle() -> tuple[Desk, Client, Client]:
    """A delivery lesson in which room 1 has everything there is to lose."""
    desk = Desk(Mode.DELIVERY)
    lead, room, other = desk.join("lead"), desk.join("room-1"), desk.join("room-2")
    room.publish(Source.STUDENTS, Source.ROOM)
    other.say(m.RaiseHand())
    lead.say(m.GiveFloor(seat_id="room-1"))
    lead.say(m.SetSpotlight(seat_id="room-1"))
    room.say(m.Mute(source=Source.STUDENTS, muted=True))
    return desk, lead, room


def test_a_cut_room_keeps_its_place_and_is_back_with_it() -> None:
    desk, lead, room = in_the_middle()
    room.cut()
    away = lead.of(m.SeatChanged)[-1].seat
    assert (away.present, away.away_since, away.link) == (False, START, "lost")
    desk.advance(GRACE_S - 1)
    assert desk.state.floor == "room-1"
    assert room.welcome is not None
    back = desk.join("room-1", resume=room.welcome.resume)
    assert back.welcome is not None
    assert back.welcome.device_id == room.device_id
    assert back.welcome.resume == room.welcome.resume
    assert back.welcome.carries_sound
    seat = desk.seat("room-1")
    assert (seat.present, seat.away_since, seat.may_speak) == (True, None, True)
    back.publish(Source.STUDENTS, Source.ROOM)
    assert {s.source: s.muted for s in desk.seat("room-1").sources} == {
        "students": True,
        "room": False,
    }
    assert desk.state.spotlight is not None
    told = [entry["type"] for entry in desk.journal if entry.get("seat_id") == "room-1"]
    assert [kind for kind in told if str(kind).startswith("seat_")] == [
        "seat_joined",
        "seat_lost",
        "seat_returned",
    ]


def test_after_the_grace_the_place_is_given_up() -> None:
    desk, lead, room = in_the_middle()
    room.cut()
    desk.advance(GRACE_S)
    assert desk.state.floor is None
    assert desk.state.spotlight is None
    seat = desk.seat("room-1")
    assert (seat.present, seat.away_since, seat.sources) == (False, None, [])
    assert desk.entries("seat_left") == [
        {
            "at": START + GRACE_S,
            "type": "seat_left",
            "seat_id": "room-1",
            "reason": "grace-over",
        }
    ]
    assert lead.welcome is not None
    assert room.welcome is not None
    late = desk.join("room-1", resume=room.welcome.resume)
    assert late.welcome is not None
    assert late.device_id != room.device_id


def test_resume_replaces_a_socket_that_only_looks_alive() -> None:
    desk, _lead, room = in_the_middle()
    assert room.welcome is not None
    back = desk.join("room-1", resume=room.welcome.resume)
    assert room.closed is CloseCode.REPLACED
    assert back.device_id == room.device_id
    room.cut()  # the old socket's end is noticed late
    assert desk.seat("room-1").present


@pytest.mark.parametrize("keep", [False, True])
def test_media_goes_on_only_if_the_device_asks(*, keep: bool) -> None:
    desk, _lead, room = in_the_middle()
    producers = set(desk.media.producers)
    room.cut()
    assert set(desk.media.producers) == producers, "a cut of the socket stops no media"
    assert room.welcome is not None
    back = desk.join("room-1", resume=room.welcome.resume, keep_media=keep)
    assert back.welcome is not None
    assert back.welcome.media_kept is keep
    assert (set(desk.media.producers) == producers) is keep
    assert bool(desk.seat("room-1").sources) is keep


def test_with_an_expired_token_the_resume_key_is_enough() -> None:
    desk, _lead, room = in_the_middle()
    room.cut()
    assert room.welcome is not None
    assert desk.join("room-1", token=False, resume=room.welcome.resume).welcome is not None


def test_a_key_is_good_for_its_own_seat_only() -> None:
    desk, _lead, room = in_the_middle()
    assert room.welcome is not None
    thief = desk.join("room-3", resume=room.welcome.resume)
    assert thief.welcome is not None
    assert thief.welcome.seat_id == "room-3"
    assert thief.device_id != room.device_id
    assert room.closed is None
