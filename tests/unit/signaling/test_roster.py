"""Who is here: joining, cuts, coming back, several devices, capacity, lock."""

from __future__ import annotations

import pytest

from mixer.model import Direction, LinkState, TransportChanged
from signaling.lesson.roster import HTTP_DEVICE_SETUP_S
from signaling.lesson.rules import LivePhase
from signaling.ports import Bearer, SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import LESSON, START, bearer_of

GRACE_S = SignalingSettings().away_grace_s


def refusal(client: Client) -> str:
    (answer,) = client.of(m.Refused)
    assert client.closed is CloseCode.REFUSED
    return answer.code


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
def test_who_is_not_let_in(seat: str, fields: dict[str, bool], code: str) -> None:
    desk = Desk()
    before = desk.lesson.save()
    assert refusal(desk.join(seat, **fields)) == code  # type: ignore[arg-type]
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


# --- who leads sits at one computer ---------------------------------------------------------------


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


# --- cuts -----------------------------------------------------------------------------------------


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


# --- several devices of one seat ------------------------------------------------------------------


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
