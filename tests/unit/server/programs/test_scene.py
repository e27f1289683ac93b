"""What a program is told of its lesson: who is shown, and what the lead has chosen."""

from __future__ import annotations

from dataclasses import replace

from mixer.composite.director import Directing
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process import messages as c
from mixer.model import ProducerLive, SpeakersChanged
from server.programs.scene import AWAY, NO_PICTURE, ProgramScene
from signaling.protocol import messages as m
from signaling.protocol.messages import Layout, Mode, Role, Source
from tests.unit.signaling.desk import Client, Desk
from tests.unit.signaling.sample_lesson import SETTINGS


def desk_with(*seats: str, mode: Mode = Mode.BLENDED) -> tuple[Desk, dict[str, Client]]:
    """A lesson with these seats, each of which sends its picture and its sound."""
    desk = Desk(mode, settings=replace(SETTINGS, programs=True))
    at = {}
    for seat in seats:
        at[seat] = desk.join(seat)
        face = Source.TEACHER if seat == "lead" else Source.STUDENTS
        for producer_id in at[seat].publish(face, Source.ROOM).values():
            desk.notice(ProducerLive(producer_id, at[seat].device_id))
    return desk, at


def choice_of(scenes: ProgramScene, desk: Desk) -> tuple[object, ...] | None:
    choice = scenes.of(desk.lesson.scene()).choice
    if choice is None:
        return None
    return choice.number, choice.layout, choice.large and choice.large.seat_id


def test_who_is_shown_and_as_what() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    desk.join("observer-1")
    at["room-2"].cut()
    at["room-1"].say(m.Mute(source=Source.STUDENTS, muted=True))
    at["room-1"].say(m.RaiseHand())
    voice = next(s for s in at["lead"].seats["lead"].sources if s.source is Source.ROOM)
    desk.notice(SpeakersChanged(((voice.producer_id, -10),)))
    scene = ProgramScene().of(desk.lesson.scene())
    assert scene.title == "Fractions"
    assert scene.hands == ("room-1",)
    assert scene.speakers == ("lead",)
    assert scene.seats == (
        c.SceneSeat(
            seat_id="lead",
            role="lead",
            name="Ms Li · First School",
            sources=("teacher",),
            absence=NO_PICTURE,
        ),
        c.SceneSeat(seat_id="room-1", role="room", name="Class 1 · Village 1", absence=NO_PICTURE),
        c.SceneSeat(
            seat_id="room-2",
            role="room",
            name="Class 2 · Village 2",
            sources=scene.seats[2].sources,
            present=False,
            absence=AWAY,
        ),
    ), "room-3 has never been here; an observer is nobody's picture"


def test_what_has_not_come_yet_is_no_picture() -> None:
    desk = Desk(settings=replace(SETTINGS, programs=True))
    desk.join("room-1")
    scene = desk.lesson.scene()
    seats = {seat.seat_id: seat for seat in ProgramScene().of(scene).seats}
    assert seats["lead"].present is False, "all wait for the lead"
    assert seats["room-1"].sources == ()


def test_a_lesson_that_begins_is_the_directors() -> None:
    desk, _ = desk_with("lead", "room-1")
    scene = ProgramScene().of(desk.lesson.scene())
    assert (scene.choice, scene.directing) == (None, Directing.AUTOMATIC)


def test_each_choice_of_the_lead_is_told_once_more() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    scenes = ProgramScene()
    assert choice_of(scenes, desk) is None
    at["lead"].say(m.SetLayout(layout=Layout.WALL))
    assert choice_of(scenes, desk) == (1, ProgramLayout.WALL, None)
    assert choice_of(scenes, desk) == (1, ProgramLayout.WALL, None), "nothing has changed"
    assert scenes.of(desk.lesson.scene()).directing is Directing.SEMI_AUTOMATIC
    at["lead"].say(m.SetSpotlight(seat_id="room-2"))
    assert choice_of(scenes, desk) == (2, ProgramLayout.WALL, "room-2")
    at["lead"].say(m.SetSpotlight())
    at["lead"].say(m.SetLayout(layout=Layout.SPEAKER))
    assert choice_of(scenes, desk) == (3, ProgramLayout.SPEAKER, None)
    assert scenes.of(desk.lesson.scene()).directing is Directing.AUTOMATIC, "free again, later"


def test_the_floor_goes_before_the_choice_which_holds_again_afterwards() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    scenes = ProgramScene()
    at["lead"].say(m.SetLayout(layout=Layout.DIALOGUE))
    assert choice_of(scenes, desk) == (1, ProgramLayout.DIALOGUE, None)
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    scene = scenes.of(desk.lesson.scene())
    assert (scene.floor, scene.choice) == ("room-1", None)
    at["lead"].say(m.TakeFloor())
    assert choice_of(scenes, desk) == (2, ProgramLayout.DIALOGUE, None)
    at["lead"].say(m.GiveFloor(seat_id="room-1"))
    scenes.of(desk.lesson.scene())
    at["lead"].say(m.SetLayout(layout=Layout.FOUR))
    assert choice_of(scenes, desk) == (3, ProgramLayout.FOUR, None), "the floor has stepped back"


def test_places_are_a_choice_which_the_director_lets_be() -> None:
    desk, at = desk_with("lead", "room-1", "room-2")
    scenes = ProgramScene()
    places = [
        m.PicturePlace(seat_id="room-2"),
        m.PicturePlace(seat_id="room-1", source=Source.STUDENTS),
    ]
    at["lead"].say(m.SetPlaces(places=places))
    scene = scenes.of(desk.lesson.scene())
    assert [(place.seat_id, place.source) for place in scene.places] == [
        ("room-2", ""),
        ("room-1", "students"),
    ]
    assert scene.directing is Directing.SEMI_AUTOMATIC
    assert scene.choice is not None and scene.choice.number == 1
    at["lead"].say(m.SetPlaces(places=places[:1]))
    assert choice_of(scenes, desk) == (2, ProgramLayout.SPEAKER, None)
    at["lead"].say(m.SetPlaces(places=[]))
    scene = scenes.of(desk.lesson.scene())
    assert (scene.places, scene.directing) == ((), Directing.AUTOMATIC)


def test_the_lead_says_how_much_the_director_does() -> None:
    desk, at = desk_with("lead", "room-1")
    scenes = ProgramScene()
    for said in m.Directing:
        at["lead"].say(m.SetDirecting(directing=said))
        assert scenes.of(desk.lesson.scene()).directing.value == said.value


def test_every_layout_of_the_lesson_is_one_of_the_program() -> None:
    assert {layout.value for layout in Layout} == {layout.value for layout in ProgramLayout}


def test_a_spotlight_on_who_has_gone_is_none() -> None:
    desk, at = desk_with("lead", "room-1")
    scenes = ProgramScene()
    at["lead"].say(m.SetSpotlight(seat_id="room-1"))
    assert choice_of(scenes, desk) == (1, ProgramLayout.SPEAKER, "room-1")
    at["room-1"].cut()
    assert choice_of(scenes, desk) == (2, ProgramLayout.SPEAKER, None)
    assert Role.ROOM.value in {seat.role for seat in scenes.of(desk.lesson.scene()).seats}
