"""Several devices of one seat: whose sound is heard, and who sends which picture."""

from __future__ import annotations

import pytest

from signaling.ports import Bearer
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Mode, Source
from tests.unit.signaling.desk import Desk
from tests.unit.signaling.sample_lesson import GRACE_S, bearer_of


def test_only_the_first_device_carries_the_sound() -> None:
    desk = Desk()
    desk.join("lead")
    first, second = desk.join("room-1"), desk.join("room-1", kind=DeviceKind.TABLET)
    assert first.welcome is not None
    assert second.welcome is not None
    assert (first.welcome.carries_sound, second.welcome.carries_sound) == (True, False)
    assert {s.source for s in first.welcome.profile.sources} >= {Source.ROOM}
    assert Source.ROOM not in {s.source for s in second.welcome.profile.sources}
    second.say(
        m.Publish(sdp="v=0\r\nm=audio 9 X 0\r\na=mid:0\r\n", sources={"0": "room"}, request_id="p")
    )
    assert second.of(m.Refused)[-1].code == "sound-elsewhere"


def test_the_next_device_takes_over_when_the_first_goes_for_good() -> None:
    desk = Desk()
    first, second = desk.join("room-1"), desk.join("room-1", kind=DeviceKind.TABLET)
    first.cut()
    assert desk.seat("room-1").sound_device == first.device_id, "a cut alone moves nothing"
    desk.advance(GRACE_S)
    assert desk.seat("room-1").sound_device == second.device_id
    assert second.of(m.SeatChanged)[-1].seat.sound_device == second.device_id
    assert second.publish(Source.ROOM)


@pytest.mark.parametrize("by", ["join", "enter"])
@pytest.mark.parametrize("bearer", [None, bearer_of("colleague")], ids=["same person", "another"])
def test_who_enters_carries_the_sound_that_a_looking_device_had(
    by: str, bearer: Bearer | None
) -> None:
    desk = Desk()
    room = desk.join("room-1")
    looks = desk.join("lead", enters=False, bearer=bearer)
    assert looks.welcome is not None
    assert looks.welcome.carries_sound, "there is none else yet, and it tries its microphone"
    lead = desk.join("lead", enters=by == "join")
    if by == "enter":
        assert lead.ask(m.Enter()) == "done"
    assert room.seats["lead"].sound_device == lead.device_id
    assert looks.seats["lead"].sound_device == lead.device_id
    assert [entry["device_id"] for entry in desk.entries("sound_moved")] == [lead.device_id]
    assert lead.publish(Source.ROOM)
    assert lead.welcome is not None
    assert lead.welcome.carries_sound is (by == "join")
    refused = looks.say(
        m.Publish(sdp="v=0\r\nm=audio 9 X 0\r\na=mid:0\r\n", sources={"0": "room"}, request_id="p")
    )
    assert [one.code for one in refused if isinstance(one, m.Refused)] == ["sound-elsewhere"]


def test_the_sound_that_is_free_goes_to_who_has_entered_before_who_looks() -> None:
    desk = Desk()
    desk.join("lead", enters=False, bearer=bearer_of("colleague"))
    first = desk.join("lead")
    second = desk.join("lead", takes_lead=True)
    assert first.closed is CloseCode.REPLACED
    assert desk.seat("lead").sound_device == second.device_id


def test_a_line_that_blinks_loses_no_sound_to_a_window_that_looks() -> None:
    desk = Desk()
    lead = desk.join("lead")
    assert lead.welcome is not None
    lead.cut()
    looks = desk.join("lead", enters=False)
    assert desk.seat("lead").sound_device == lead.device_id
    back = desk.join("lead", resume=lead.welcome.resume)
    assert back.welcome is not None
    assert (back.device_id, back.welcome.carries_sound) == (lead.device_id, True)
    back.cut()
    desk.advance(GRACE_S)
    assert desk.seat("lead").sound_device == looks.device_id, "it may try its microphone now"


def test_who_goes_back_to_looking_leaves_the_sound_to_who_leads() -> None:
    desk = Desk()
    first, second = desk.join("lead"), desk.join("lead", bearer=bearer_of("colleague"))
    assert first.welcome is not None
    first.publish(Source.ROOM)
    first.cut()
    back = desk.join("lead", resume=first.welcome.resume, enters=False, keep_media=True)
    assert back.welcome is not None
    assert not back.welcome.carries_sound
    assert desk.seat("lead").sound_device == second.device_id
    assert desk.seat("lead").sources == []
    assert second.publish(Source.ROOM)


def test_a_restored_lesson_knows_who_only_looked() -> None:
    desk = Desk()
    looks = desk.join("lead", enters=False)
    assert looks.welcome is not None
    desk.kill_and_restore()
    pc = desk.join("lead", kind=DeviceKind.ROOM_PC, bearer=bearer_of("lead", room_device=True))
    assert desk.seat("lead").sound_device == pc.device_id


def test_a_room_pc_that_lost_its_key_takes_its_own_ghosts_place() -> None:
    desk = Desk(Mode.DELIVERY)
    lead, room = desk.join("lead"), desk.join("room-1", kind=DeviceKind.ROOM_PC)
    lead.say(m.GiveFloor(seat_id="room-1"))
    room.cut()
    again = desk.join("room-1", kind=DeviceKind.ROOM_PC)
    assert again.welcome is not None
    assert again.welcome.carries_sound
    assert desk.state.floor == "room-1"
    assert [d.device_id for d in desk.seat("room-1").devices] == [again.device_id]


def test_a_restarted_room_pc_gets_the_sound_when_its_dead_socket_is_noticed() -> None:
    desk = Desk()
    room = desk.join("room-1", kind=DeviceKind.ROOM_PC)
    again = desk.join("room-1", kind=DeviceKind.ROOM_PC)
    assert again.welcome is not None
    assert not again.welcome.carries_sound
    room.cut()
    assert desk.seat("room-1").sound_device == again.device_id


def test_a_source_is_sent_by_one_device_of_a_seat() -> None:
    desk = Desk()
    first, second = desk.join("room-1"), desk.join("room-1", kind=DeviceKind.TABLET)
    first.publish(Source.BOARD, Source.ROOM)
    message = m.Publish(sdp="v=0\r\nm=video 9 X 0\r\na=mid:0\r\n", sources={"0": "board"})
    assert second.ask(message) == "source-taken"
    first.cut()
    assert second.ask(message) == "published", "an away device's source is taken over"
    sources = desk.seat("room-1").sources
    assert [(s.source, s.device_id) for s in sources] == [
        ("room", first.device_id),
        ("board", second.device_id),
    ]
