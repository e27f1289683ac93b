"""A teacher who came in with a blocked, then with the wrong microphone, and another seat's ears.

One Chromium for both, the pages by the keyboard alone. All of its microphones play one file, which
is read when a microphone is opened: the file gets another voice before another microphone is taken.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.county import LEAD_ROOM, ROOMS, County
from tests.browser.fake_devices import make_fake_device, write_voice
from tests.browser.keyboard import Keyboard
from tests.browser.screens import CHROMIUM, FLAGS, PROBES, TELLS_NOTHING, WAIT_S, Screen
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

FIRST, SECOND = 1, 2  # voices
CHOSEN = "select => select.selectedOptions[0].textContent.trim()"
USED = "() => globalThis.tongkeSession?.devices.track('room')?.label ?? ''"
PLAYED_AT = "() => [...new Set(PageProbe.all('audio').map(each => each.sinkId))]"


def page_of(browser: Browser, *, allowed: list[str], script: str = "") -> Page:
    context = browser.new_context(ignore_https_errors=True, locale="en-US")
    context.set_default_timeout(WAIT_S * 1000)
    context.grant_permissions(allowed)
    context.add_init_script(f"{PROBES}\n{script}")
    return context.new_page()


def choose(keys: Keyboard, hook: str, device: str) -> None:
    """With the arrow key, as far as it takes."""
    select = keys.page.get_by_test_id(hook)
    for _ in range(select.locator("option").count()):
        if select.evaluate(CHOSEN) == device:
            return
        keys.press("ArrowDown")
    raise AssertionError(f"{hook} does not come to {device}")


def devices(page: Page, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        "async kind => (await navigator.mediaDevices.enumerateDevices())"
        ".filter(one => one.kind === kind).map(one => one.toJSON())",
        kind,
    )
    return found


def test_a_blocked_and_a_wrong_microphone_are_mended_during_the_lesson(
    tmp_path: Path, playwright: Playwright
) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data")
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson = county.lesson_now(mode="blended")
        lead = county.seats(lesson)[LEAD_ROOM]

        fake = make_fake_device(tmp_path, identity=FIRST, name="Li Min", width=320, height=180)
        asks = [flag for flag in fake.chromium_flags if "fake-ui" not in flag]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *asks])
        stack.callback(browser.close)
        page = page_of(browser, allowed=["camera"], script=TELLS_NOTHING)
        ears = page_of(browser, allowed=["camera", "microphone"])
        ears.goto(f"{server.origin}/room#{county.credentials[ROOMS[0]]}")
        room = Screen(ROOMS[0], 3, ears, browser, tmp_path)

        # Blocked, as browsers keep it; allowed at the sign beside the address; tried again.
        county.teach(Screen("Li Min", FIRST, page, browser, tmp_path), lesson)
        keys = Keyboard(page)
        expect(page.get_by_test_id("retry")).to_be_visible()
        keys.press("d")
        keys.waits_at(hook="device-room")
        page.context.grant_permissions(["camera", "microphone"])
        keys.tab_to(hook="retry-room")
        keys.press("Enter")
        keys.waits_at(hook="device-room")
        room.hears_only(lead, FIRST)

        # The wrong one.
        write_voice(fake.audio, SECOND)
        *_, other = devices(page, "audioinput")
        assert page.evaluate(USED) != other["label"]
        choose(keys, "device-room", other["label"])
        room.hears_only(lead, SECOND)
        assert page.evaluate(USED) == other["label"]

        # And the loudspeaker.
        *_, ceiling = devices(page, "audiooutput")
        keys.tab_to(hook="device-speaker")
        choose(keys, "device-speaker", ceiling["label"])
        page.wait_for_function(f"id => String(({PLAYED_AT})()) === id", arg=ceiling["deviceId"])
        keys.press("Escape")
        keys.waits_at(hook="devices")

        # Both are kept: whoever leaves and comes back has them again.
        page.reload()
        page.wait_for_function(f"label => ({USED})() === label", arg=other["label"])
        room.hears_only(lead, SECOND)
        page.wait_for_function(f"id => String(({PLAYED_AT})()) === id", arg=ceiling["deviceId"])
