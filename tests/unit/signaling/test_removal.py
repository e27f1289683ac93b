"""Who is put out of a lesson goes at once, is told why, and does not come in again."""

from __future__ import annotations

import pytest

from signaling.lesson import events as e
from signaling.ports import Bearer
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Mode, RemovalCode, Source
from signaling.protocol.refusals import REFUSALS
from tests.unit.signaling.desk import Client, Desk, refusal
from tests.unit.signaling.sample_lesson import bearer_of

WALL_PC = Bearer("device:wall", "PC on the wall", room_device=True)
TABLET = Bearer("person:wang", "Mr Wang")


def remove(client: Client) -> m.RemoveDevice:
    return m.RemoveDevice(device_id=client.device_id)


def test_the_lead_puts_a_device_out_which_is_told_why_and_not_let_in_again() -> None:
    desk = Desk(Mode.DELIVERY)
    lead, room = desk.join("lead"), desk.join("room-1", bearer=WALL_PC)
    room.publish(Source.STUDENTS, Source.ROOM)
    lead.say(m.GiveFloor(seat_id="room-1"))
    assert lead.ask(remove(room)) == "done"
    words = REFUSALS["removed-by-lead"]
    assert room.received[-1] == m.Removed(
        code=RemovalCode.BY_LEAD, message_zh=words.zh, message_en=words.en
    )
    assert room.closed is CloseCode.REMOVED
    assert desk.seat("room-1").devices == []
    assert not desk.media.producers, "neither its picture nor its sound goes on"
    assert desk.state.floor is None
    assert desk.state.removed == [m.RemovedBearer(seat_id="room-1", bearer="PC on the wall")]
    assert lead.lesson == desk.state
    assert refusal(desk.join("room-1", bearer=WALL_PC)) == "removed-by-lead"
    resume = room.welcome.resume if room.welcome else ""
    assert refusal(desk.join("room-1", bearer=WALL_PC, resume=resume)) == "removed-by-lead"
    assert refusal(desk.join("room-1", resume=resume, token=False)) == "token-expired"
    assert desk.entries("device_removed") == [
        {
            "at": desk.now,
            "type": "device_removed",
            "seat_id": "room-1",
            "device_id": room.device_id,
            "code": "removed-by-lead",
            "by": "lead",
        }
    ]
    assert desk.entries("device_left")[-1]["reason"] == "removed"


def test_other_devices_of_the_seat_and_of_the_same_bearer_stay() -> None:
    desk = Desk()
    lead = desk.join("lead")
    wall = desk.join("room-1", bearer=WALL_PC, kind=DeviceKind.ROOM_PC)
    copied = desk.join("room-1", bearer=WALL_PC, kind=DeviceKind.ROOM_PC)
    tablet = desk.join("room-1", bearer=TABLET, kind=DeviceKind.TABLET)
    assert [(d.bearer, d.kind) for d in desk.seat("room-1").devices] == [
        ("PC on the wall", "room_pc"),
        ("PC on the wall", "room_pc"),
        ("Mr Wang", "tablet"),
    ]
    lead.say(remove(copied))
    assert (copied.closed, wall.closed, tablet.closed) == (CloseCode.REMOVED, None, None)
    assert [d.device_id for d in desk.seat("room-1").devices] == [wall.device_id, tablet.device_id]
    wall.cut()
    assert wall.welcome is not None
    back = desk.join("room-1", bearer=WALL_PC, resume=wall.welcome.resume)
    assert back.welcome is not None, "it was not this one that was put out"
    assert desk.join("room-1", bearer=bearer_of("room-1")).welcome is not None


def test_the_sound_goes_to_the_next_device_of_the_seat() -> None:
    desk = Desk()
    lead = desk.join("lead")
    first = desk.join("room-1", bearer=WALL_PC)
    second = desk.join("room-1", bearer=TABLET, kind=DeviceKind.TABLET)
    lead.say(remove(first))
    assert desk.seat("room-1").sound_device == second.device_id


def test_who_was_put_out_of_a_seat_may_be_let_in_again() -> None:
    desk = Desk()
    lead = desk.join("lead")
    for seat in ("room-1", "observer-1"):
        out = desk.join(seat)
        lead.say(remove(out))
        other = "room-2" if seat == "room-1" else "room-1"
        assert lead.ask(m.Readmit(seat_id=other)) == "done", "there nobody is out"
        assert refusal(desk.join(seat)) == "removed-by-lead"
        assert lead.ask(m.Readmit(seat_id=seat)) == "done"
        assert desk.state.removed == []
        assert lead.lesson == desk.state
        assert desk.join(seat).welcome is not None
    assert [entry["seat_id"] for entry in desk.entries("seat_readmitted")] == [
        "room-1",
        "observer-1",
    ]
    assert lead.ask(m.Readmit(seat_id="observer-9")) == "unknown-seat"


def test_a_lead_puts_out_neither_the_device_in_use_nor_themselves() -> None:
    desk = Desk()
    lead, other = desk.join("lead"), desk.join("lead", kind=DeviceKind.TABLET)
    before = desk.lesson.save()
    assert lead.ask(remove(lead)) == "own-device"
    assert lead.ask(m.RemoveDevice(device_id="device-99")) == "unknown-device"
    assert desk.lesson.save() == before
    assert lead.ask(remove(other)) == "done"
    assert other.closed is CloseCode.REMOVED
    assert desk.state.removed == [], "another device of the lead's own"
    assert desk.join("lead", takes_lead=True).welcome is not None


def test_a_device_whose_line_is_lost_is_put_out_all_the_same() -> None:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1", bearer=WALL_PC)
    room.cut()
    assert lead.ask(remove(room)) == "done"
    assert room.welcome is not None
    back = desk.join("room-1", bearer=WALL_PC, resume=room.welcome.resume)
    assert refusal(back) == "removed-by-lead", "it hears of it when it returns"


def test_an_encoder_is_put_out() -> None:
    desk = Desk()
    lead = desk.join("lead")
    encoder = desk.join("room-1", bearer=TABLET, kind=DeviceKind.ENCODER, over_http=True)
    encoder.publish(Source.BOARD)
    lead.say(remove(encoder))
    assert encoder.closed is CloseCode.REMOVED
    assert not desk.media.producers
    again = desk.join("room-1", bearer=TABLET, kind=DeviceKind.ENCODER, over_http=True)
    assert refusal(again) == "removed-by-lead"


def test_who_was_put_out_stays_out_over_a_crash() -> None:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1", bearer=WALL_PC)
    lead.say(remove(room))
    desk.kill_and_restore()
    assert [out.bearer for out in desk.state.removed] == ["PC on the wall"]
    assert refusal(desk.join("room-1", bearer=WALL_PC)) == "removed-by-lead"


def test_the_server_puts_out_and_lets_in_whom_it_says() -> None:
    desk = Desk()
    lead, room = desk.join("lead"), desk.join("room-1", bearer=WALL_PC)
    stranger = desk.join("observer-1")
    gone = "device-99"  # it left before the server knew
    desk.feed(e.RemovalRequested((room.device_id, gone), RemovalCode.BY_ADMINISTRATOR, bars=True))
    desk.feed(e.RemovalRequested((stranger.device_id,), RemovalCode.ACCOUNT_DELETED, bars=False))
    assert [c.of(m.Removed)[-1].code for c in (room, stranger)] == [
        "removed-by-administrator",
        "account-deleted",
    ]
    assert refusal(desk.join("room-1", bearer=WALL_PC)) == "removed-by-administrator"
    assert [out.seat_id for out in desk.state.removed] == ["room-1"], "the database knows the rest"
    desk.feed(e.ReadmissionRequested("room-1"))
    assert desk.join("room-1", bearer=WALL_PC).welcome is not None
    desk.feed(e.RemovalRequested((lead.device_id,), RemovalCode.BY_ADMINISTRATOR, bars=True))
    assert refusal(desk.join("lead")) == "removed-by-administrator"


@pytest.mark.parametrize("seat", ["room-2", "assistant-1", "observer-1"])
def test_nobody_else_puts_out(seat: str) -> None:
    desk = Desk()
    desk.join("lead")
    room, asker = desk.join("room-1"), desk.join(seat)
    assert asker.ask(remove(room)) == "lead-only"
    assert asker.ask(m.Readmit(seat_id="room-1")) == "lead-only"
    assert room.closed is None
