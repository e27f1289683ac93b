"""A lesson whose rural room is the agent with two RTSP cameras, beside the page that it opens.

The teacher sees the cameras and hears the room's page, which sends no picture of its own; what
was recorded plays with every picture. (The sound is the page's: where a profile
gives it to the agent, `all_comes_from` finds it at the same seat.)
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.agent_room import CAMERAS, AgentRoom, agent_room
from tests.browser.county import ROOMS, TEACHER, post
from tests.browser.fake_devices import seat_device
from tests.browser.firefox import firefox, has_firefox
from tests.browser.screens import Screen, open_seat
from tests.browser.test_lesson import finished_recording
from tests.lesson_watcher import hears, shows, watching
from tests.network_camera import CameraModel, need_cameras

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(600)]

LEAD, PAGE = 1, 4  # identities: the teacher's, and the room page's microphone
SIZE = (480, 270)
_SHOWN = """() => PageProbe.all("video").filter((one) => one.currentTime > 2)
  .map((one) => TongkeIdentity.readVideo(one)?.identity ?? -1)"""

_ALL_SHOWN = f"""(wanted) => {{ const shown = ({_SHOWN})();
  return wanted.every((one) => shown.includes(one)); }}"""
_SIGN_IN = """async (who) => (await fetch("/api/session", {method: "POST",
  headers: {"Content-Type": "application/json"}, body: JSON.stringify(who)})).status"""


def test_two_cameras_beside_a_page(tmp_path: Path, playwright: Playwright) -> None:
    need_cameras()
    model = CameraModel(password="s3cret-geheim", gop=30, profile="main")
    microphone = seat_device(PAGE, "Page", SIZE)
    with ExitStack() as stack:
        room = stack.enter_context(agent_room(tmp_path, model, microphone=microphone))
        county = room.county
        page = room.kiosk_page(playwright)
        expect(page.get_by_text("Shanhe").first).to_be_visible()
        lesson_id = county.lesson_now(mode="blended", record=True)
        teacher = open_seat(stack, playwright, tmp_path, "Li Min", LEAD, size=SIZE)
        county.teach(teacher, lesson_id)
        seats = county.seats(lesson_id)
        room.sends()
        teacher.sees_moving(seats[ROOMS[0]], CAMERAS["students"])
        teacher.hears_only(seats[ROOMS[0]], PAGE)
        with ThreadPoolExecutor(1) as beside:  # the browsers' driver has this thread's loop
            beside.submit(asyncio.run, all_comes_from(room, lesson_id, seats[ROOMS[0]])).result()
        told = room.status()
        assert (told["phase"], told["page"], told["page_ended"]) == ("in_lesson", "open", 0)

        teacher.page.wait_for_timeout(4_000)  # something to play
        post(county.teacher, f"/api/lessons/{lesson_id}/end")
        recording = finished_recording(teacher, county, lesson_id)
        the_recording_plays(teacher, county.origin, recording)
        if has_firefox():
            it_plays_in_firefox(tmp_path, county.origin, recording)


async def all_comes_from(room: AgentRoom, lesson_id: str, seat_id: str) -> None:
    """Both cameras and the page's sound, and no second picture or sound, from the one seat."""
    async with watching(room.county, lesson_id) as observer:
        streams = [await shows(observer, identity) for identity in CAMERAS.values()]
        streams.append(await hears(observer, PAGE))
        assert {one.source for one in streams} == {*CAMERAS, "room"}
        assert {one.seat_id for one in streams} == {seat_id}
        from_seat = [one.source for one in observer.seen.values() if one.seat_id == seat_id]
        assert sorted(from_seat) == sorted([*CAMERAS, "room"])


def the_recording_plays(teacher: Screen, origin: str, recording: str) -> None:
    """Every picture of the room is in it, each with its own identity."""
    teacher.page.goto(f"{origin}/library/{recording}")
    teacher.page.get_by_test_id("play").click()
    teacher.wait(_ALL_SHOWN, sorted(CAMERAS.values()))


def it_plays_in_firefox(folder: Path, origin: str, recording: str) -> None:
    """Live it stays dark there (docs/browsers.md): cameras send H.264, Firefox has none here."""
    with firefox(folder / "firefox") as browser:
        browser.goto(f"{origin}/sign-in")
        signed_in = browser.evaluate(_SIGN_IN, TEACHER)
        assert signed_in < 300
        browser.goto(f"{origin}/library/{recording}")
        browser.wait("() => PageProbe.all('[data-testid=play]').length > 0")
        browser.evaluate("() => void PageProbe.all('[data-testid=play]')[0].click()")
        browser.wait(_ALL_SHOWN, sorted(CAMERAS.values()))
