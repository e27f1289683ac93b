"""A room's page in Chromium beside the room's agent: one of them has the microphone.

The page's microphone is Chromium's own track: off means ended, not muted. That the agent is heard
meanwhile shows `tests/faults/test_agent_sound.py`, what the page says the web client's own tests.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.agent_room import AgentRoom, voice
from tests.browser.fake_devices import make_fake_device
from tests.browser.screens import CHROMIUM, FLAGS, WAIT_S
from tests.browser.server_process import ServerProcess
from tests.sound_devices import SoundDevices

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# Every microphone that this page has opened, and whether it still takes sound.
REMEMBER = """
window.microphones = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  window.microphones.push(...stream.getAudioTracks());
  return stream;
};
"""
LIVE = "window.microphones.filter((one) => one.readyState === 'live').length"
PLAYS = "window.tongkeSession.store.view.seats.get(window.tongkeSession.store.view.me.seatId)\
.sound_player === window.tongkeSession.store.view.me.deviceId"


def open_room(stack: ExitStack, playwright: Playwright, room: AgentRoom, folder: Path) -> Page:
    device = make_fake_device(folder, identity=2, name="page")
    browser = playwright.chromium.launch(
        executable_path=str(CHROMIUM), args=[*FLAGS, *device.chromium_flags]
    )
    stack.callback(browser.close)
    page = browser.new_page(ignore_https_errors=True, locale="en-US")
    page.set_default_timeout(WAIT_S * 1000)
    page.add_init_script(REMEMBER)
    page.goto(f"{room.county.origin}/room#{room.credential}")
    return page


def test_the_pages_microphone_is_off_while_the_agent_has_one(
    tmp_path: Path, playwright: Playwright
) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data", settings={"TONGKE_HOST": "127.0.0.1"})
        server.start()
        stack.callback(server.stop)
        devices = SoundDevices(tmp_path)
        stack.callback(devices.close)
        room = AgentRoom(tmp_path, server, devices)
        stack.callback(room.end)
        devices.plug_in(voice(3))
        room.county.lesson_now(mode="blended")
        page = open_room(stack, playwright, room, tmp_path)
        page.wait_for_function(f"{LIVE} === 1")
        room.start_agent()
        page.wait_for_function(f"{LIVE} === 0")
        # The others are heard by the page all the same: this agent has no loudspeaker.
        assert page.evaluate(PLAYS) is True

        devices.pull_out()
        page.wait_for_function(f"{LIVE} === 1")

        devices.plug_in(voice(3))
        page.wait_for_function(f"{LIVE} === 0")
