"""From scenes to shots, in virtual time."""

from __future__ import annotations

from mixer.composite.arrange import PictureId
from mixer.composite.director import Directing, Why
from mixer.composite.layouts import ProgramLayout
from mixer.composite.process.messages import Choice, PictureName, Scene, SceneSeat
from mixer.composite.process.stage import Shown, Stage
from tests.unit.composite.pictures import plain_picture

LEAD = SceneSeat(seat_id="lead", role="lead", name="李老师", sources=("teacher",))
EAST = SceneSeat(seat_id="east", role="room", name="河西小学", sources=("students",))
SHARING = LEAD.model_copy(update={"sources": ("teacher", "screen")})
SCREEN = PictureId("lead", "screen")


def stage() -> Stage:
    return Stage(1280, 720, 0.0)


def names(shown: Shown | None) -> list[tuple[str, str]]:
    assert shown is not None
    return [(tile.picture.seat_id, tile.picture.source) for tile in shown.tiles]


def test_nobody_is_there_and_nothing_is_shown() -> None:
    assert stage().poll(1.0) is None


def test_the_lead_is_large_and_who_has_the_floor_takes_its_place() -> None:
    one = stage()
    one.handle_scene(Scene(seats=(LEAD, EAST)), 0.0)
    assert names(one.poll(0.0)) == [("lead", "teacher"), ("east", "students")]
    assert one.poll(0.5) is None
    one.handle_scene(Scene(seats=(LEAD, EAST), floor="east", hands=("east",)), 1.0)
    shown = one.poll(2.0)
    assert names(shown)[0] == ("east", "students")
    assert shown is not None
    assert shown.shot.why is Why.FLOOR
    marks = one.marks()
    assert (marks["east"].floor, marks["east"].hand, marks["lead"].floor) == (True, True, False)


def test_who_comes_has_a_tile_at_once_though_the_shot_stays() -> None:
    one = stage()
    one.handle_scene(Scene(seats=(LEAD,)), 0.0)
    assert names(one.poll(0.0)) == [("lead", "teacher")]
    one.handle_scene(Scene(seats=(LEAD, EAST)), 0.1)
    shown = one.poll(0.1)
    assert names(shown) == [("lead", "teacher"), ("east", "students")]
    assert shown is not None
    assert shown.shot.why is Why.SEATS, "nothing was cut to"
    one.handle_scene(Scene(title="第五课", seats=(LEAD, EAST)), 0.2)
    assert one.poll(0.3) is None, "the same shot, the same tiles"


def test_a_scene_said_again_is_no_new_choice_and_another_number_is() -> None:
    one = stage()
    wall = Choice(number=1, layout=ProgramLayout.WALL)
    scene = Scene(seats=(LEAD, EAST), choice=wall)
    one.handle_scene(scene, 0.0)
    shown = one.poll(0.0)
    assert shown is not None
    assert shown.shot.layout is ProgramLayout.WALL
    one.handle_scene(scene, 50.0)
    shown = one.poll(70.0)  # what was chosen by hand stands for a minute
    assert shown is not None
    assert shown.shot.layout is not ProgramLayout.WALL
    again = wall.model_copy(update={"number": 2})
    one.handle_scene(scene.model_copy(update={"choice": again}), 71.0)
    shown = one.poll(71.0)
    assert shown is not None
    assert shown.shot.layout is ProgramLayout.WALL


def test_by_hand_alone_what_was_chosen_stays() -> None:
    one = stage()
    large = PictureName(seat_id="east", source="students")
    choice = Choice(number=1, layout=ProgramLayout.SPOTLIGHT, large=large)
    scene = Scene(seats=(LEAD, EAST), choice=choice, directing=Directing.MANUAL)
    one.handle_scene(scene, 0.0)
    assert names(one.poll(0.0)) == [("east", "students")]
    one.handle_scene(scene.model_copy(update={"speakers": ("lead",)}), 100.0)
    assert one.poll(200.0) is None


def test_by_hand_alone_and_back_what_the_lead_has_chosen_stands() -> None:
    """The pages show it all the while."""
    one = stage()
    large = PictureName(seat_id="east", source="students")
    choice = Choice(number=1, layout=ProgramLayout.SPOTLIGHT, large=large)
    scene = Scene(seats=(LEAD, EAST), choice=choice, directing=Directing.SEMI_AUTOMATIC)
    one.handle_scene(scene, 0.0)
    assert names(one.poll(0.0)) == [("east", "students")]
    one.handle_scene(scene.model_copy(update={"directing": Directing.MANUAL}), 10.0)
    one.handle_scene(scene, 20.0)
    assert one.poll(30.0) is None, "nothing is cut to"
    assert one.poll(600.0) is None


def test_what_the_lead_chose_while_somebody_had_the_floor_stands_when_it_is_taken_back() -> None:
    """Whoever had it stood back then, and the layout is the lesson's."""
    one = stage()
    answers = Scene(seats=(LEAD, EAST), floor="east")
    one.handle_scene(answers, 0.0)
    assert names(one.poll(1.0))[0] == ("east", "students")
    choice = Choice(number=1, layout=ProgramLayout.WALL)
    chosen = answers.model_copy(update={"choice": choice, "directing": Directing.SEMI_AUTOMATIC})
    one.handle_scene(chosen, 10.0)
    shown = one.poll(10.0)
    assert shown is not None and shown.shot.layout is ProgramLayout.WALL
    one.handle_scene(chosen.model_copy(update={"floor": ""}), 20.0)
    assert [one.poll(at) for at in (20.0, 21.0, 600.0)] == [None] * 3


def test_by_hand_alone_and_back_with_nothing_chosen_the_director_goes_on() -> None:
    one = stage()
    answers = Scene(seats=(LEAD, EAST), floor="east")
    one.handle_scene(answers, 0.0)
    assert names(one.poll(1.0))[0] == ("east", "students")
    one.handle_scene(answers.model_copy(update={"directing": Directing.MANUAL}), 10.0)
    one.handle_scene(Scene(seats=(LEAD, EAST), directing=Directing.MANUAL), 20.0)
    assert one.poll(30.0) is None
    one.handle_scene(Scene(seats=(LEAD, EAST)), 40.0)
    assert names(one.poll(40.0))[0] == ("lead", "teacher")


def test_a_screen_is_large_while_it_changes() -> None:
    one = stage()
    one.handle_scene(Scene(seats=(SHARING, EAST)), 0.0)
    shown = one.poll(0.0)
    assert shown is not None
    assert shown.shot.layout is ProgramLayout.SCREEN
    page = plain_picture(640, 360, 200)
    for at in range(25):
        one.handle_pictures({SCREEN: page}, float(at))
    still = one.poll(25.0)
    assert still is not None
    assert still.shot.layout is ProgramLayout.LEAD_AND_SCREEN
    one.handle_pictures({SCREEN: plain_picture(640, 360, 60)}, 30.0)
    again = one.poll(31.0)
    assert again is not None
    assert again.shot.layout is ProgramLayout.SCREEN
