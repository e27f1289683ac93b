"""A whole lesson with real browsers: one teacher, three rooms, four Chromium processes.

Everybody sees and hears everybody; the hand, the floor and the spotlight change all four screens,
what is written stands on all; the teacher leaves for a while and comes back; a room whose cable is
pulled and a server that is killed come back untouched; the lesson ends and its recording plays. The
teacher has no mouse: all is done by the keyboard. One test, because it is one lesson: each step
stands on the one before.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser import keyboard
from tests.browser.county import ADMINISTRATOR, LEAD_ROOM, ROOMS, TEACHER, County
from tests.browser.room_network import RoomNetwork, can_make_networks, room_network
from tests.browser.screens import CHROMIUM, WAIT_S, Screen, all_hear_only, open_seat
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(900)]

CUT_S = 10
LEAD = 1  # identities; the rooms are 2, 3, 4


class Classrooms:
    """The teacher's and the rooms' screens, and who sits where."""

    def __init__(self, teacher: Screen, rooms: dict[str, Screen], seats: dict[int, str]) -> None:
        self.teacher = teacher
        self.rooms = rooms
        self.seats = seats  # identity → seat id

    @property
    def all(self) -> list[Screen]:
        return [self.teacher, *self.rooms.values()]

    @property
    def keys(self) -> keyboard.Keyboard:
        """The teacher's."""
        return keyboard.Keyboard(self.teacher.page)

    def seat(self, screen: Screen) -> str:
        return self.seats[screen.identity]

    def others(self, screen: Screen) -> dict[str, int]:
        """Seat and identity of everybody else."""
        return {self.seat(each): each.identity for each in self.all if each is not screen}

    def everybody_sees_everybody(self) -> None:
        for screen in self.all:
            screen.sees_all_moving(self.others(screen))

    def everybody_hears_everybody(self) -> None:
        all_hear_only([(screen, self.others(screen)) for screen in self.all])


def test_a_lesson_from_start_to_playback(tmp_path: Path, playwright: Playwright) -> None:
    if not can_make_networks():
        pytest.skip("cutting a room's line needs a network namespace: root and Debian's iproute2")
    with ExitStack() as stack:
        line = stack.enter_context(room_network(1))
        server = ServerProcess(tmp_path / "data", advertised=("127.0.0.1", line.host))
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended", record=True)

        rooms = open_classrooms(stack, playwright, tmp_path, county, server, line, lesson_id)
        rooms.everybody_sees_everybody()
        rooms.everybody_hears_everybody()
        keyboard.a_rooms_settings(rooms.rooms[ROOMS[2]].page)
        the_teacher_calls_on_a_room(rooms)
        the_teacher_writes(rooms)
        the_recording_is_switched(rooms)
        the_teacher_leaves_for_a_while(rooms, county, lesson_id)
        another_window_takes_over(rooms)
        a_rooms_cable_is_pulled(rooms, line)
        the_server_is_killed(rooms, server)
        the_lesson_ends_and_plays(rooms, county, lesson_id)
        keyboard.a_recording(rooms.teacher.page)
        an_administrator_needs_no_mouse(rooms.teacher, county)
        assert server.stop() == 0


def open_classrooms(
    stack: ExitStack,
    playwright: Playwright,
    folder: Path,
    county: County,
    server: ServerProcess,
    line: RoomNetwork,
    lesson_id: str,
) -> Classrooms:
    """Each room opens its address once, one is paired; the teacher signs in and starts."""
    teacher = open_seat(stack, playwright, folder, "Li Min", LEAD)
    rooms = {}
    for identity, name in enumerate(ROOMS, start=LEAD + 1):
        behind_line = name == ROOMS[0]
        program = line.wrap(str(CHROMIUM), folder) if behind_line else CHROMIUM
        host = line.host if behind_line else "127.0.0.1"
        rooms[name] = open_seat(stack, playwright, folder, name, identity, program=program)
        address = f"https://{host}:{server.port}/room"
        if name == ROOMS[1]:
            rooms[name].page.goto(address)
            an_administrator_pairs(rooms[name], county)
        else:
            rooms[name].page.goto(f"{address}#{county.credentials[name]}")

    the_teacher_starts(teacher, county, lesson_id)
    identities = {LEAD_ROOM: LEAD} | {name: screen.identity for name, screen in rooms.items()}
    seats = {identities[name]: seat for name, seat in county.seats(lesson_id).items()}
    return Classrooms(teacher, rooms, seats)


def an_administrator_pairs(room: Screen, county: County) -> None:
    """The room's screen shows eight figures; an administrator says which classroom that is."""
    figures = room.page.get_by_test_id("pairing-code")
    expect(figures).to_have_text(re.compile(r"\d{4}\s*\d{4}"))
    with room.browser.new_context(ignore_https_errors=True, locale="en-US") as context:
        page = context.new_page()
        keyboard.Keyboard(page).signs_in(county.origin, **ADMINISTRATOR)
        page.goto(f"{county.origin}/pair")
        page.get_by_test_id("field-code").fill("".join(figures.inner_text().split()))
        page.get_by_test_id("field-classroom_id").select_option(county.room_ids[room.name])
        page.get_by_test_id("pair").click()
        expect(page.get_by_text("Paired.")).to_be_visible()


def the_teacher_starts(teacher: Screen, county: County, lesson_id: str) -> None:
    """Devices first: nothing of the rooms can be switched before the lesson is entered."""
    keys = keyboard.Keyboard(teacher.page)
    keys.signs_in(county.origin, **TEACHER)
    teacher.page.goto(f"{county.origin}/teach/{lesson_id}")
    teacher.page.get_by_test_id("device-start").wait_for()
    assert teacher.page.get_by_test_id(re.compile("^(mute|give-floor|spotlight)-")).count() == 0
    keys.presses("device-start")


def the_teacher_calls_on_a_room(rooms: Classrooms) -> None:
    """Hand, floor and spotlight on all four screens: who answers is large, and then no more."""
    asking = rooms.rooms[ROOMS[1]]
    seat = rooms.seat(asking)
    asking.page.keyboard.press("Space")
    expect(rooms.teacher.page.get_by_test_id(f"hand-{seat}")).to_be_visible()

    rooms.keys.presses(f"give-floor-{seat}")
    for screen in rooms.all:
        screen.wait(
            "seat => PageProbe.all('tk-tile[data-seat]').some(tile =>"
            " tile.dataset.seat === seat && tile.shadowRoot.querySelector('.sign.floor'))"
            ' || PageProbe.all(`[data-testid="take-floor-${seat}"]`).length > 0',
            seat,
        )
    expect(asking.page.get_by_test_id("caption")).to_have_class("caption good")
    others = [screen for screen in rooms.rooms.values() if screen is not asking]
    for screen in (rooms.teacher, *others):
        screen.wait("seat => PageProbe.largest() === seat", seat)
        screen.sees_moving(seat, asking.identity)
    rooms.keys.presses(f"take-floor-{seat}")
    for screen in others:
        screen.wait("seat => PageProbe.largest() === seat", rooms.seat(rooms.teacher))

    rooms.keys.presses(f"spotlight-{seat}")
    for screen in (rooms.teacher, *others):
        screen.wait("seat => PageProbe.largest() === seat", seat)
    expect(asking.page.get_by_test_id("caption")).to_contain_text("All rooms see you")
    rooms.keys.presses(f"spotlight-{seat}")


def the_teacher_writes(rooms: Classrooms) -> None:
    """The letter opens the chat; what is written stands large on every room's screen."""
    keys = rooms.keys
    keys.press("c")
    keys.waits_at(hook="chat-input")
    rooms.teacher.page.keyboard.type("Page 12, please")
    keys.press("Enter")
    for room in rooms.rooms.values():
        expect(room.page.get_by_test_id("chat-line")).to_contain_text("Page 12, please")
    keys.press("Escape")
    keys.waits_at(hook="chat")


def the_recording_is_switched(rooms: Classrooms) -> None:
    """Off and on by the teacher; every room sees it."""
    signs = [room.page.get_by_test_id("recording") for room in rooms.rooms.values()]
    for recorded in (False, True):
        rooms.keys.presses("recording")
        for sign in signs:
            expect(sign).to_be_visible(visible=recorded)


def the_teacher_leaves_for_a_while(rooms: Classrooms, county: County, lesson_id: str) -> None:
    """To leave is not to end: the rooms read so, and the teacher comes back."""
    keys, page = rooms.keys, rooms.teacher.page
    keys.presses("leave")
    keys.presses("leave-a-while")
    page.wait_for_url(f"{county.origin}/")
    for room in rooms.rooms.values():
        expect(room.page.get_by_text("Li Min is away for a moment").first).to_be_visible()
    page.goto(f"{county.origin}/teach/{lesson_id}")
    for room in rooms.rooms.values():
        room.sees_moving(rooms.seat(rooms.teacher), LEAD)


def another_window_takes_over(rooms: Classrooms) -> None:
    """The first one says so, and takes the lesson back; nobody is there twice."""
    first = rooms.teacher.page
    room = rooms.rooms[ROOMS[1]]
    lead = rooms.seat(rooms.teacher)
    with first.context.new_page() as second:
        second.goto(first.url)
        second.get_by_test_id("device-start").wait_for()
        expect(first.get_by_test_id("own-room")).to_be_visible()  # it has only looked
        keyboard.Keyboard(second).presses("device-start")
        expect(first.get_by_text("The lesson is open elsewhere")).to_be_visible()
        expect(second.get_by_test_id("own-room")).to_have_attribute("aria-pressed", "true")
        room.sees_moving(lead, LEAD)
        first.get_by_text("Use it here").click()
        expect(second.get_by_text("The lesson is open elsewhere")).to_be_visible()
    room.sees_moving(lead, LEAD)
    room.hears_only(lead, LEAD)


def a_rooms_cable_is_pulled(rooms: Classrooms, line: RoomNetwork) -> None:
    """Ten seconds without a line; then the room is back, untouched."""
    cut = rooms.rooms[ROOMS[0]]
    line.cut()
    cut.page.wait_for_timeout(CUT_S * 1000)  # the length of the cut is what is tested
    line.join()
    cut.sees_all_moving(rooms.others(cut))
    for other in rooms.all:
        if other is not cut:
            other.sees_moving(rooms.seat(cut), cut.identity)


def the_server_is_killed(rooms: Classrooms, server: ServerProcess) -> None:
    """SIGKILL, and its keeper's new start: all four are back, untouched."""
    server.kill_without_keeper()
    server.await_ready()
    rooms.everybody_sees_everybody()
    rooms.everybody_hears_everybody()


def the_lesson_ends_and_plays(rooms: Classrooms, county: County, lesson_id: str) -> None:
    """The teacher ends it; the library shows it; its pictures advance."""
    page = rooms.teacher.page
    rooms.keys.presses("end")
    rooms.keys.presses("end-confirm")
    for room in rooms.rooms.values():
        expect(room.page.get_by_text("The lesson is over")).to_be_visible()
    expect(page.get_by_test_id("recording")).to_be_visible()  # the way to it
    recording = finished_recording(rooms.teacher, county, lesson_id)
    page.goto(f"{county.origin}/library")
    page.get_by_test_id(f"recording-{recording}").wait_for()
    rooms.keys.presses(f"recording-{recording}")
    page.get_by_test_id("play").wait_for()  # the focus begins anew with the page
    rooms.keys.presses("play")
    rooms.teacher.wait(
        "() => PageProbe.all('video').some(video =>"
        " video.currentTime > 2 && TongkeIdentity.readVideo(video))"
    )


def an_administrator_needs_no_mouse(screen: Screen, county: County) -> None:
    with screen.browser.new_context(ignore_https_errors=True, locale="zh-CN") as context:
        page = context.new_page()
        keyboard.Keyboard(page).signs_in(county.origin, **ADMINISTRATOR)
        keyboard.administration(page, county.origin)


def finished_recording(screen: Screen, county: County, lesson_id: str) -> str:
    """The id of the lesson's recording, once it is ready."""
    for _ in range(round(2 * WAIT_S)):
        for recording in county.teacher.get("/api/recordings").json():
            if recording["lesson_id"] == lesson_id and recording["state"] == "ready":
                return str(recording["id"])
        screen.page.wait_for_timeout(500)
    raise AssertionError("the recording was not finished in time")
