"""What people ask of a lesson: hands, floor, mutes, spotlight, chat."""

from __future__ import annotations

import pytest

from signaling.lesson import events as e
from signaling.lesson.chat import MOST_BYTES, MOST_LINES
from signaling.lesson.conduct import MARKS_APART_S
from signaling.protocol import messages as m
from signaling.protocol.messages import Mode, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import START


def desk_with(*seats: str, mode: Mode = Mode.DELIVERY) -> tuple[Desk, dict[str, Client]]:
    desk = Desk(mode)
    return desk, {seat: desk.join(seat) for seat in seats}


def hands(desk: Desk) -> list[str]:
    waiting = [seat for seat in desk.lesson.view()[1] if seat.hand is not None]
    return [s.seat_id for s in sorted(waiting, key=lambda s: s.hand.place if s.hand else 0)]


def test_hands_stand_in_the_order_they_were_raised() -> None:
    desk, at = desk_with("lead", "room-1", "room-2", "room-3")
    for seat in ("room-2", "room-3", "room-1", "room-2"):
        at[seat].say(m.RaiseHand())
        desk.advance(1)
    assert hands(desk) == ["room-2", "room-3", "room-1"]
    assert desk.seat("room-3").hand == m.Hand(place=2, raised_at=START + 1)
    at["room-3"].say(m.LowerHand())
    assert hands(desk) == ["room-2", "room-1"]
    at["lead"].say(m.LowerHand(seat_id="room-2"))
    assert hands(desk) == ["room-1"]


def test_the_floor_goes_round() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    at["room-1"].publish(Source.ROOM)
    at["room-2"].publish(Source.ROOM)
    at["room-1"].say(m.RaiseHand())
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    assert (desk.state.floor, hands(desk), desk.heard_seats()) == ("room-1", [], {"room-1"})
    at["room-1"].say(m.RaiseHand())
    assert hands(desk) == [], "who has the floor needs no hand"
    at["lead"].say(m.GiveFloor(seat_id="room-2"))
    assert (desk.state.floor, desk.heard_seats()) == ("room-2", {"room-2"})
    at["room-2"].say(m.TakeFloor())
    assert (desk.state.floor, desk.heard_seats()) == (None, set())
    assert [entry["type"] for entry in desk.journal if "floor" in str(entry["type"])] == [
        "floor_given",
        "floor_given",
        "floor_taken",
    ]


def test_who_answers_comes_forward_and_taking_the_floor_back_restores_what_was() -> None:
    desk, at = desk_with("lead", "room-1", "room-2", "assistant-1")
    lit = m.SpotlightState(seat_id="room-2")
    at["lead"].say(m.SetLayout(layout=m.Layout.WALL))
    at["lead"].say(m.SetSpotlight(seat_id="room-2"))
    at["assistant-1"].say(m.GiveFloor(seat_id="room-1"))
    state = at["room-2"].of(m.LessonChanged)[-1].lesson
    assert (state.floor, state.floor_forward) == ("room-1", True)
    assert (state.spotlight, state.layout) == (lit, m.Layout.WALL)
    at["room-1"].say(m.TakeFloor())
    state = desk.state
    assert (state.floor, state.floor_forward) == (None, False)
    assert (state.spotlight, state.layout) == (lit, m.Layout.WALL)


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        (m.SetSpotlight(seat_id="room-2"), "spotlight"),
        (m.SetSpotlight(), "spotlight"),
        (m.SetLayout(layout=m.Layout.WALL), "layout"),
        (m.SetLayout(layout=m.Layout.SPEAKER), "layout"),  # what it was already
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_picture_chosen_while_one_answers_counts_for_more(
    message: m.ClientMessage, entry: str
) -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    at["lead"].say(message)
    assert (desk.state.floor, desk.state.floor_forward) == ("room-1", False)
    assert desk.journal[-1]["type"] == entry, "who reads the log alone comes to the same"
    entries = len(desk.journal)
    at["lead"].say(message)
    assert len(desk.journal) == entries


def test_who_leaves_with_the_floor_is_forward_no_more() -> None:
    desk, at = desk_with("lead", "room-1")
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    at["room-1"].say(m.Leave())
    assert (desk.state.floor, desk.state.floor_forward) == (None, False)


def test_all_hands_go_down_at_once() -> None:
    desk, at = desk_with("lead", "room-1", "room-2", "room-3")
    for seat in ("room-2", "room-3"):
        at[seat].say(m.RaiseHand())
    assert at["lead"].ask(m.LowerAllHands()) == "done"
    assert hands(desk) == []
    lowered = [entry["seat_id"] for entry in desk.journal if entry["type"] == "hand_lowered"]
    assert lowered == ["room-2", "room-3"]
    assert at["lead"].ask(m.LowerAllHands()) == "done", "there is none: no error"


def test_all_rooms_are_muted_at_once_and_those_that_come_later_too() -> None:
    desk, at = desk_with("lead", "room-1", "room-2", mode=Mode.BLENDED)
    for seat in ("lead", "room-1", "room-2"):
        at[seat].publish(Source.ROOM)
    at["lead"].say(m.MuteAll(muted=True))
    assert desk.heard_seats() == {"lead"}
    at["room-3"] = desk.join("room-3")
    at["room-3"].publish(Source.ROOM)
    assert desk.heard_seats() == {"lead"}
    at["lead"].say(m.GiveFloor(seat_id="room-2"))
    assert desk.heard_seats() == {"lead", "room-2"}
    at["lead"].say(m.MuteAll(muted=False))
    assert desk.heard_seats() == {"lead", "room-1", "room-2", "room-3"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (m.GiveFloor(seat_id="nobody"), "unknown-seat"),
        (m.GiveFloor(seat_id="room-3"), "seat-absent"),
        (m.GiveFloor(seat_id="lead"), "seat-silent"),
        (m.GiveFloor(seat_id="observer-1"), "seat-silent"),
        (m.MuteSeat(seat_id="observer-1", muted=True), "seat-silent"),
        (m.MuteSeat(seat_id="lead", muted=True), "not-allowed"),
        (m.MuteSeat(seat_id="nobody", muted=True), "unknown-seat"),
        (m.LowerHand(seat_id="nobody"), "unknown-seat"),
        (m.SetSpotlight(seat_id="nobody"), "unknown-seat"),
        (m.SetSpotlight(seat_id="room-3"), "seat-absent"),
        (m.SetSpotlight(seat_id="observer-1"), "seat-silent"),
        (m.SetSpotlight(seat_id="room-1", source=Source.ROOM), "wrong-kind"),
        (m.SendChat(text=" \n\x07 "), "empty-chat"),
        (m.SendChat(text="\u200b\u202e\u3000"), "empty-chat"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_lead_is_refused(message: m.ClientMessage, code: str) -> None:
    desk, at = desk_with("lead", "room-1", "observer-1")
    before = desk.lesson.save()
    assert at["lead"].ask(message) == code
    assert desk.lesson.save() == before


def test_giving_the_floor_ends_the_leads_mute_but_not_the_rooms_own() -> None:
    desk, at = desk_with("lead", "room-1")
    at["room-1"].publish(Source.ROOM)
    at["lead"].say(m.MuteSeat(seat_id="room-1", muted=True))
    at["room-1"].say(m.Mute(muted=True))
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    seat = desk.seat("room-1")
    assert (seat.muted_by_lead, seat.may_speak) == (False, False)
    at["room-1"].say(m.Mute(muted=False))
    assert desk.seat("room-1").may_speak


def test_the_leads_mute_and_back_as_the_mode_says() -> None:
    desk, at = desk_with("lead", "room-1", mode=Mode.BLENDED)
    at["room-1"].publish(Source.ROOM)
    at["lead"].say(m.MuteSeat(seat_id="room-1", muted=True))
    assert desk.heard_seats() == set()
    at["lead"].say(m.MuteSeat(seat_id="room-1", muted=False))
    assert desk.heard_seats() == {"room-1"}


@pytest.mark.parametrize(
    "message",
    [
        m.RaiseHand(),
        m.Mute(muted=True),
        m.Mute(source=Source.TEACHER, muted=True),
    ],
    ids=lambda message: message.type,
)
def test_asking_twice_changes_and_tells_nothing_more(message: m.ClientMessage) -> None:
    desk, at = desk_with("lead", "room-1")
    assert at["room-1"].ask(message) == "done"
    entries, told = len(desk.journal), len(at["lead"].received)
    assert at["room-1"].ask(message) == "done"
    assert (len(desk.journal), len(at["lead"].received)) == (entries, told)


def test_a_closed_camera_is_not_sent() -> None:
    desk, at = desk_with("lead", "room-1")
    picture = at["room-1"].publish(Source.STUDENTS)["students"]
    at["room-1"].say(m.Mute(source=Source.STUDENTS, muted=True))
    assert desk.media.paused[picture]
    assert desk.seat("room-1").sources[0].muted


def test_chat_reaches_all_as_plain_text_and_newcomers_see_the_tail() -> None:
    desk, at = desk_with("lead", "room-1", "observer-1")
    at["room-1"].say(m.SendChat(text="  <b>2 + 2</b>\x00\u202e = 4\n "))
    (posted,) = at["observer-1"].of(m.ChatPosted)
    assert (posted.line.seat_id, posted.line.name) == ("room-1", "Class 1")
    assert posted.line.text == "<b>2 + 2</b>\u202e = 4"
    for number in range(MOST_LINES + 5):
        at["lead"].say(m.SendChat(text=f"line {number}"))
    welcome = desk.join("room-2").welcome
    assert welcome is not None
    assert len(welcome.chat) == MOST_LINES
    assert welcome.chat[-1].text == f"line {MOST_LINES + 4}"


def test_a_flood_of_long_lines_keeps_no_weak_room_from_coming_back() -> None:
    """Also over a kill: what a newcomer is told of the chat is some kilobytes."""
    desk, at = desk_with("lead")
    for _ in range(MOST_LINES):
        at["lead"].say(m.SendChat(text="字" * 2000))
    for _ in range(2):
        welcome = desk.join("room-1").welcome
        assert welcome is not None
        assert 1 <= len(welcome.chat) <= MOST_BYTES // 6000
        assert len(m.server_message.dump_json(welcome)) < 2 * MOST_BYTES
        desk.kill_and_restore()


def test_spotlight_and_layout_are_told_to_all() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    at["lead"].say(m.SetSpotlight(seat_id="room-1", source=Source.BOARD))
    at["lead"].say(m.SetLayout(layout=m.Layout.SCREEN))
    state = at["room-2"].of(m.LessonChanged)[-1].lesson
    assert state.spotlight == m.SpotlightState(seat_id="room-1", source=Source.BOARD)
    assert state.layout is m.Layout.SCREEN
    at["lead"].say(m.SetSpotlight())
    assert desk.state.spotlight is None


def test_places_are_told_to_all_and_each_stands_once() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    first, second = (
        m.PicturePlace(seat_id="room-2"),
        m.PicturePlace(seat_id="lead", source=Source.SCREEN),
    )
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    at["lead"].say(m.SetPlaces(places=[first, second, first]))
    state = at["room-2"].of(m.LessonChanged)[-1].lesson
    assert (state.places, state.floor_forward) == ([first, second], False)
    at["lead"].say(m.SetPlaces(places=[first, second]))
    assert len(desk.entries("places")) == 1, "it was so already"
    at["lead"].say(m.SetPlaces(places=[]))
    assert desk.state.places == []


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (m.PicturePlace(seat_id="nobody"), "unknown-seat"),
        (m.PicturePlace(seat_id="observer-1"), "seat-silent"),
        (m.PicturePlace(seat_id="room-1", source=Source.ROOM), "wrong-kind"),
    ],
)
def test_a_place_is_for_a_picture_of_the_lesson(place: m.PicturePlace, code: str) -> None:
    desk, at = desk_with("lead", "room-1", "observer-1")
    assert at["lead"].ask(m.SetPlaces(places=[m.PicturePlace(seat_id="lead"), place])) == code
    assert desk.state.places == []


def test_done_comes_after_the_change_it_confirms() -> None:
    _desk, at = desk_with("lead", "room-1")
    told = at["lead"].say(m.GiveFloor(seat_id="room-1", request_id="1"))
    assert [message.type for message in told] == ["lesson_changed", "seat_changed", "done"]


def test_the_lead_switches_the_recording_and_the_recorder_says_what_is_so() -> None:
    desk = Desk(record=True)
    lead, room = desk.join("lead"), desk.join("room-1")
    desk.feed(e.RecordingChanged(recording=True))
    assert room.lesson is not None
    assert (room.lesson.record, room.lesson.recording) == (True, True)
    for _ in range(2):  # pressed twice
        lead.say(m.SetRecording(recording=False))
    assert (room.lesson.record, room.lesson.recording) == (False, True), "not yet"
    desk.feed(e.RecordingChanged(recording=False, fault="switched-off"))
    assert (room.lesson.recording, room.lesson.recording_fault) == (False, "switched-off")
    lead.say(m.SetRecording(recording=True))
    switched = desk.entries("recording_switched")
    assert [(entry["recording"], entry["by"]) for entry in switched] == [
        (False, "lead"),
        (True, "lead"),
    ]


def test_a_chapter_is_marked_once_however_often_the_button_is_pressed() -> None:
    desk = Desk(record=True)
    lead, assistant = desk.join("lead"), desk.join("assistant")
    lead.say(m.MarkChapter())
    first = desk.now
    desk.advance(MARKS_APART_S - 0.1)
    assistant.say(m.MarkChapter())
    desk.advance(0.2)
    assistant.say(m.MarkChapter())
    marks = [(entry["at"], entry["by"]) for entry in desk.entries("chapter_marked")]
    assert marks == [(first, "lead"), (pytest.approx(first + MARKS_APART_S + 0.1), "assistant")]


def test_a_recording_stays_switched_over_a_crash_and_the_recorder_is_told_again() -> None:
    desk = Desk(record=True)
    desk.join("lead").say(m.SetRecording(recording=False))
    desk.kill_and_restore()
    assert not desk.state.record
    assert [entry["by"] for entry in desk.entries("recording_switched")] == ["lead", ""]
    desk.join("lead").say(m.SetRecording(recording=True))
    desk.kill_and_restore()
    assert len(desk.entries("recording_switched")) == 3, "as planned: nothing to be told"
