"""The lesson's program: made while somebody takes it, told to all, written into the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mixer.model import Kind, SpeakersChanged
from signaling.lesson import events as e
from signaling.log.entries import ShotTile
from signaling.protocol import messages as m
from signaling.protocol.messages import DeviceKind, Layout, LessonSource, ProgramStanding, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import SETTINGS

MAKES = replace(SETTINGS, programs=True)


def desk_with_programs() -> Desk:
    return Desk(settings=MAKES)


def wanted(desk: Desk) -> list[object]:
    return [entry["wanted"] for entry in desk.entries("program_wanted")]


def feed(desk: Desk, kind: Kind, seat_id: str | None = None) -> str:
    info = desk.media.feed(kind)
    desk.feed(e.StreamAdded(LessonSource(info.label), info, seat_id))
    return info.producer_id


def player(desk: Desk) -> Client:
    one = desk.join("observer-9", kind=DeviceKind.PLAYER, over_http=True, offers_sound=False)
    desk.feed(e.PlayRequested(one.number, "v=0", None, LessonSource.PROGRAM, "play"))
    return one


def test_it_is_wanted_from_the_first_who_takes_it_until_the_last() -> None:
    desk = desk_with_programs()
    lead, room, observer = desk.join("lead"), desk.join("room-1"), desk.join("observer-1")
    assert wanted(desk) == [], "nobody has asked"
    for client in (room, observer, room):
        assert client.ask(m.TakeProgram(taken=True)) == "done"
    assert wanted(desk) == [True]
    (told,) = lead.seats["room-1"].devices
    assert told.takes_program
    assert desk.lesson.scene().takers == {"room-1", "observer-1"}
    assert room.ask(m.TakeProgram(taken=False)) == "done"
    assert wanted(desk) == [True], "the observer takes it still"
    observer.say(m.Leave())
    assert wanted(desk) == [True, False]


def test_a_cut_line_lets_it_go_only_when_the_place_is_given_up() -> None:
    desk = desk_with_programs()
    desk.join("lead")
    room = desk.join("room-1")
    room.ask(m.TakeProgram(taken=True))
    room.cut()
    assert wanted(desk) == [True]
    desk.advance(MAKES.away_grace_s + 1)
    assert wanted(desk) == [True, False]


def test_where_none_is_made_nothing_is_different() -> None:
    desk = Desk()
    room = desk.join("room-1")
    assert desk.state.program is ProgramStanding.NONE
    assert room.ask(m.TakeProgram(taken=True)) == "no-program"
    desk.feed(e.ProgramStands(ProgramStanding.RUNNING))
    assert desk.state.program is ProgramStanding.NONE
    assert (wanted(desk), desk.lesson.scene().takers) == ([], frozenset())


def test_all_are_told_where_it_stands() -> None:
    desk = desk_with_programs()
    room = desk.join("room-1")
    for standing in (ProgramStanding.STARTING, ProgramStanding.RUNNING, ProgramStanding.FULL):
        desk.feed(e.ProgramStands(standing))
        assert room.lesson is not None
        assert room.lesson.program is standing


def test_a_player_waits_for_the_program_that_it_begins() -> None:
    desk = desk_with_programs()
    desk.join("lead").publish(Source.TEACHER, Source.ROOM)
    waiting = player(desk)
    assert wanted(desk) == [True]
    feed(desk, Kind.AUDIO, "room-1")
    feed(desk, Kind.AUDIO)
    assert not waiting.of(m.Published), "a sound alone is no program"
    picture = feed(desk, Kind.VIDEO)
    assert waiting.of(m.Published)
    played = [want.producer_id for want in desk.media.devices[waiting.device_id].wants]
    assert played[0] == picture
    assert len(played) == 2, "not what one room hears"


@pytest.mark.parametrize(
    ("standing", "code"), [(None, "no-program"), (ProgramStanding.FULL, "program-full")]
)
def test_a_player_is_refused_when_it_does_not_come(
    standing: ProgramStanding | None, code: str
) -> None:
    desk = desk_with_programs()
    desk.join("lead")
    waiting = player(desk)
    if standing is None:
        desk.advance(12.5)
    else:
        desk.feed(e.ProgramStands(standing))
    assert [one.code for one in waiting.of(m.Refused)] == [code]
    assert wanted(desk) == [True, False]


def test_what_it_shows_is_in_the_log() -> None:
    desk = desk_with_programs()
    tile = ShotTile(seat_id="lead", source="teacher", x=0, y=0, width=1280, height=720)
    desk.feed(e.ProgramCut(Layout.SPOTLIGHT, "choice", 1280, 720, (tile,)))
    (entry,) = desk.entries("program_shot")
    assert (entry["layout"], entry["why"], entry["at"]) == ("spotlight", "choice", desk.now)
    assert entry["tiles"] == [tile.model_dump()]


def test_the_scene_has_what_flows_and_who_is_heard() -> None:
    desk = Desk(m.Mode.DELIVERY, settings=MAKES)
    lead, room = desk.join("lead"), desk.join("room-1")
    sent = lead.publish(Source.TEACHER, Source.ROOM)
    answer = room.publish(Source.STUDENTS, Source.ROOM)
    desk.notice(SpeakersChanged(((sent["room"], -20), (answer["room"], -10))))
    scene = desk.lesson.scene()
    assert scene.flowing == {sent["teacher"], sent["room"], answer["students"]}
    assert scene.speakers == ("lead",), "who has no floor is not heard"
    lead.say(m.GiveFloor(seat_id="room-1"))
    lead.say(m.SetLayout(layout=Layout.DIALOGUE))
    assert answer["room"] in desk.lesson.scene().flowing
    assert desk.lesson.scene().lesson.layout is Layout.DIALOGUE
