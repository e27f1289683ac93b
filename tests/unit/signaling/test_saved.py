"""After SIGKILL of the server everybody comes back to the same lesson."""

from __future__ import annotations

import json

import pytest

from signaling.errors import StateUnreadable
from signaling.lesson import Lesson
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import SETTINGS, START, plan


def busy() -> tuple[Desk, dict[str, Client]]:
    """A lesson with everything in it that is kept."""
    desk = Desk(Mode.DELIVERY)
    seats = ("lead", "room-1", "room-2", "room-3", "observer-1")
    at = {seat: desk.join(seat) for seat in seats}
    at["room-1"].publish(Source.STUDENTS, Source.ROOM)
    for seat in ("room-3", "room-2"):
        at[seat].say(m.RaiseHand())
        desk.advance(1)
    at["lead"].say(m.MuteSeat(seat_id="room-2", muted=True))
    at["room-1"].say(m.Mute(source=Source.STUDENTS, muted=True))
    at["lead"].say(m.SetSpotlight(seat_id="room-1", source=Source.STUDENTS))
    at["lead"].say(m.SetLayout(layout=m.Layout.WALL))
    at["lead"].say(m.SetPlaces(places=[m.PicturePlace(seat_id="room-1", source=Source.BOARD)]))
    at["lead"].say(m.SetDirecting(directing=m.Directing.MANUAL))
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    at["lead"].say(m.RemoveDevice(device_id=desk.join("observer-2").device_id))
    at["lead"].say(m.SetLock(locked=True))
    at["lead"].say(m.SendChat(text="第三题"))
    return desk, at


def agreed(desk: Desk) -> object:
    """What people have agreed on, whoever is connected."""
    state, seats = desk.lesson.view()
    return (
        state.model_copy(update={"led": None}),
        [(s.seat_id, s.name, s.hand, s.muted_by_lead, s.may_speak, s.sound_device) for s in seats],
    )


def test_all_is_as_it_was() -> None:
    desk, at = busy()
    before = agreed(desk)
    desk.advance(3)
    desk.kill_and_restore()
    assert agreed(desk) == before
    assert all(seat.away_since == desk.now for seat in desk.lesson.view()[1])
    for seat, client in at.items():
        assert client.welcome is not None
        back = desk.join(seat, resume=client.welcome.resume, keep_media=True)
        assert back.welcome is not None, "a locked lesson lets its own back in"
        assert back.welcome.device_id == client.device_id
        assert not back.welcome.media_kept, "peer connections died with the server"
        assert [line.text for line in back.welcome.chat] == ["第三题"]
    assert agreed(desk) == before
    assert desk.entries("lesson_restored")


def test_who_does_not_come_back_leaves_after_a_new_grace() -> None:
    desk, _at = busy()
    desk.advance(30)
    desk.kill_and_restore()
    desk.advance(SETTINGS.away_grace_s - 1)
    assert desk.state.floor == "room-1"
    desk.advance(1)
    assert desk.state.floor is None
    assert [seat.hand for seat in desk.lesson.view()[1]] == [None] * 4, "the observer is gone"


@pytest.mark.parametrize(
    "mute", [m.MuteAll(muted=True), m.MuteSeat(seat_id="room-2", muted=True)], ids=["all", "one"]
)
def test_a_room_that_comes_after_a_kill_is_muted_as_before_it(mute: m.MuteAll | m.MuteSeat) -> None:
    desk = Desk()
    lead = desk.join("lead")
    lead.say(mute)
    desk.kill_and_restore()
    assert desk.join("room-2").welcome is not None
    assert desk.seat("room-2").muted_by_lead
    assert not desk.seat("room-2").may_speak


def test_saving_twice_gives_the_same_and_restoring_is_stable() -> None:
    desk, _at = busy()
    first = desk.lesson.save()
    assert desk.lesson.save() == first
    desk.kill_and_restore()
    again = json.loads(desk.lesson.save())
    assert {**json.loads(first), "phase": "waiting"} == again


def test_every_change_that_is_kept_asks_to_be_saved() -> None:
    desk, at = busy()
    for message in (
        m.SetLayout(layout=m.Layout.WALL),  # as it is: who has the floor steps back
        m.TakeFloor(),
        m.SetLayout(layout=m.Layout.SPEAKER),
        m.SetPlaces(places=[]),
        m.SetDirecting(directing=m.Directing.AUTOMATIC),
        m.SendChat(text="x"),
        m.SetLock(locked=False),
        m.Mute(muted=True),
        m.Mute(source=Source.BOARD, muted=True),
    ):
        saves, state = desk.saves, desk.lesson.save()
        at["lead"].say(message)
        assert desk.lesson.save() != state
        assert desk.saves > saves, message


def test_an_encoder_is_not_kept_and_its_sound_goes_to_the_next() -> None:
    desk = Desk()
    desk.join("room-1", kind=DeviceKind.ENCODER, over_http=True)
    tablet = desk.join("room-1", kind=DeviceKind.TABLET)
    desk.kill_and_restore()
    assert desk.seat("room-1").sound_device == tablet.device_id


def test_a_seat_the_timetable_dropped_keeps_its_place_while_it_is_here() -> None:
    desk, at = busy()
    desk.plan = plan(Mode.DELIVERY, rooms=2)
    desk.kill_and_restore()
    assert desk.seat("room-3").hand is not None
    assert at["room-3"].welcome is not None
    assert desk.join("room-3", resume=at["room-3"].welcome.resume).welcome is not None


def test_an_ended_lesson_stays_ended() -> None:
    desk, at = busy()
    at["lead"].say(m.EndLesson())
    desk.kill_and_restore()
    assert desk.lesson.ended
    assert desk.lesson.ending == (START + 2, "by-lead")


@pytest.mark.parametrize(
    "state",
    ["", "null", "[]", "{}", "{", '{"version": 2}', "\x00" * 100, "[" * 100_000],
)
def test_a_damaged_state_is_named_as_such(state: str) -> None:
    with pytest.raises(StateUnreadable):
        Lesson.restore(plan(), SETTINGS, state, START)


def test_a_state_with_an_unknown_field_or_half_an_ending_is_unreadable() -> None:
    desk, _at = busy()
    saved = json.loads(desk.lesson.save())
    for change in ({"extra": 1}, {"phase": "ended"}, {"ending": [1.0, "x"]}):
        with pytest.raises(StateUnreadable):
            Lesson.restore(plan(), SETTINGS, json.dumps({**saved, **change}), START)


def test_resume_keys_are_not_in_the_saved_state() -> None:
    desk, at = busy()
    saved = desk.lesson.save()
    for client in at.values():
        assert client.welcome is not None
        assert client.welcome.resume not in saved
        assert client.welcome.resume.partition("~")[2] not in saved
