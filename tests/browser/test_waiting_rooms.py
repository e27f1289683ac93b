"""Rooms that wait for a lesson check themselves; their teacher reads how they are before the bell.

Three rooms: one with all it needs, one whose PC has no camera, one whose microphone gives digital
silence. What the teacher's page says of each is read from the page; then the silent room takes
another microphone by its gear, outside any lesson, and the page says that too.
"""

from __future__ import annotations

import re
import time
import wave
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from server.simulate.voice import SAMPLE_RATE
from tests.browser.county import ROOMS, TEACHER, County
from tests.browser.fake_devices import FakeDevice, make_fake_device, write_voice
from tests.browser.screens import CHROMIUM, FLAGS, WAIT_S
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

WHOLE, BLIND, MUTE = ROOMS
FINE = ["Camera: works", "Microphone: works", "Line: good"]
HOUR_S = 3600


def write_silence(file: Path) -> None:
    """A microphone's file that has not even a microphone's own noise."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(bytes(2 * SAMPLE_RATE))


def open_room(
    stack: ExitStack, playwright: Playwright, county: County, name: str, device: FakeDevice
) -> Page:
    flags = device.chromium_flags
    if name == BLIND:  # a PC to which no camera is connected
        flags = [flag for flag in flags if "video-capture" not in flag]
        flags[0] += "=device-count=0"
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *flags])
    stack.callback(browser.close)
    page = browser.new_page(ignore_https_errors=True, locale="en-US")
    page.set_default_timeout(WAIT_S * 1000)
    page.goto(f"{county.origin}/room#{county.credentials[name]}")
    return page


def open_teacher(stack: ExitStack, playwright: Playwright, county: County, lesson_id: str) -> Page:
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS])
    stack.callback(browser.close)
    context = browser.new_context(ignore_https_errors=True, locale="en-US")
    context.set_default_timeout(WAIT_S * 1000)
    headers = {"Origin": county.origin}
    answer = context.request.post(f"{county.origin}/api/session", data=TEACHER, headers=headers)
    assert answer.ok, answer.text()
    page = context.new_page()
    page.goto(f"{county.origin}/teach/{lesson_id}")
    return page


def says(teacher: Page, room: str, signs: list[str]) -> None:
    """Waits until the teacher's page says this of a room: its camera, its sound, its line."""
    row = teacher.locator("aside li").filter(has_text=re.compile(f"{room}.*School"))
    expect(row.locator("tk-readiness-signs span")).to_have_text(signs)


def test_the_teacher_reads_camera_sound_and_line_of_each_room_before_the_bell(
    tmp_path: Path, playwright: Playwright
) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data", settings={"TONGKE_HOST": "127.0.0.1"})
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_at(time.time() + HOUR_S)

        # Nobody is switched on: nothing is said of cameras that nobody has looked at.
        teacher = open_teacher(stack, playwright, county, lesson_id)
        expect(teacher.locator("aside li")).to_have_count(len(ROOMS))
        assert teacher.locator("aside li tk-readiness-signs").count() == 0

        devices = {
            name: make_fake_device(
                tmp_path / name, identity=place, name=name, width=320, height=180
            )
            for place, name in enumerate(ROOMS, start=2)
        }
        write_silence(devices[MUTE].audio)
        rooms = {
            name: open_room(stack, playwright, county, name, device)
            for name, device in devices.items()
        }
        says(teacher, WHOLE, FINE)
        says(teacher, BLIND, ["Camera: not found", *FINE[1:]])
        says(teacher, MUTE, [FINE[0], "Microphone: gives no sound at all", FINE[2]])
        for name, page in rooms.items():  # the room's own screen says the same
            own = page.locator("tk-readiness-signs span").all_inner_texts()
            row = teacher.locator("aside li").filter(has_text=re.compile(f"{name}.*School"))
            assert own == row.locator("tk-readiness-signs span").all_inner_texts()

        another_microphone_by_the_gear(rooms[MUTE], devices[MUTE])
        says(teacher, MUTE, FINE)
        says(teacher, BLIND, ["Camera: not found", *FINE[1:]])

        # Who is switched off is gone, not "works".
        rooms[WHOLE].close()
        row = teacher.locator("aside li").filter(has_text=re.compile(f"{WHOLE}.*School"))
        expect(row.locator("tk-readiness-signs")).to_have_count(0)
        expect(row.locator(".state")).not_to_have_class(re.compile("ready"))


def another_microphone_by_the_gear(page: Page, device: FakeDevice) -> None:
    """No lesson is needed: the gear has the devices of the room's own check."""
    write_voice(device.audio, 4)  # whoever is opened from now on hears somebody
    page.get_by_test_id("settings").click()
    microphones = page.evaluate(
        "async () => (await navigator.mediaDevices.enumerateDevices())"
        ".filter(one => one.kind === 'audioinput').map(one => one.deviceId)"
    )
    page.get_by_test_id("device-room").select_option(microphones[-1])
    page.keyboard.press("Escape")
