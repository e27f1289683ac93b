"""What a room's hardware profile decides in the lesson itself: how it begins, what it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signaling.lesson import Lesson
from signaling.protocol import messages as m
from signaling.protocol.messages import Source
from tests.unit.signaling.desk import Desk


def desk_on(layout: m.Layout = m.Layout.SPEAKER, *, shows: int = 0) -> Desk:
    """A lesson led from a room with this first layout; `room-1` shows so many lines."""
    desk = Desk()
    seats = [
        replace(s, profile=s.profile.model_copy(update={"largest_shown": shows}))
        if s.seat_id == "room-1"
        else s
        for s in desk.plan.seats
    ]
    desk.plan = replace(desk.plan, layout=layout, seats=tuple(seats))
    desk.lesson = Lesson(desk.plan, desk.settings, desk.now)
    return desk


def test_a_lesson_begins_as_its_leads_hardware_has_it_and_the_log_says_so() -> None:
    desk = desk_on(m.Layout.SCREEN)
    lead = desk.join("lead")
    assert desk.state.layout is m.Layout.SCREEN
    told = [entry for entry in desk.journal if entry["type"] == "layout"]
    assert [(entry["layout"], entry["by"]) for entry in told] == [("screen", "lead")]
    lead.say(m.SetLayout(layout=m.Layout.WALL))
    lead.cut()
    desk.advance(600)
    desk.join("lead")
    assert desk.state.layout is m.Layout.WALL, "what the lead has chosen since stays"
    assert [e["layout"] for e in desk.journal if e["type"] == "layout"] == ["screen", "wall"]


def test_a_lesson_that_begins_as_usual_says_nothing_of_it() -> None:
    desk = desk_on()
    desk.join("lead")
    assert not [entry for entry in desk.journal if entry["type"] == "layout"]


@pytest.mark.parametrize(
    ("shows", "wanted", "size"),
    [
        (0, (1920, 1080), (1920, 1080)),
        (540, (1920, 1080), (960, 540)),
        (540, (960, 540), (960, 540)),
        (540, (320, 180), (320, 180)),
        (540, (0, 0), (0, 0)),  # a sound, or a picture of any size
    ],
)
def test_no_picture_is_larger_than_the_rooms_machine_shows(
    shows: int, wanted: tuple[int, int], size: tuple[int, int]
) -> None:
    desk = desk_on(shows=shows)
    lead, room = desk.join("lead"), desk.join("room-1")
    producer = lead.publish(Source.TEACHER)["teacher"]
    room.say(m.Subscribe(wants=[m.Want(producer_id=producer, width=wanted[0], height=wanted[1])]))
    (want,) = desk.lesson._record.devices[room.device_id].wants
    assert (want.width, want.height) == size
