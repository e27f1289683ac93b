"""A long lesson played over a thin line: soon to be seen, soon elsewhere, heard before it is seen.

Ten minutes of four seats as the recorder writes and finishes them, in a real Chromium whose line is
made thin by the browser itself, and in Firefox. The figures go into the test's record: what is
asserted is what no slow machine explains.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from benchmarks.archived_lesson import LessonShape, write_lesson
from recorder.finish import finish
from tests.browser.county import TEACHER, County
from tests.browser.filed_recording import enter_finished
from tests.browser.firefox import firefox, has_firefox
from tests.browser.screens import CHROMIUM, FLAGS, WAIT_S
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(600)]

MINUTES = 10
SHAPE = LessonShape(seconds=MINUTES * 60, pictures=4, sounds=4, picture_bps=600_000)
# The four pictures and sounds take 2.5 Mb/s. The index of one takes half a second of the thin line.
WIDE_BPS, THIN_BPS = 4_000_000, 300_000
DELAY_MS = 40
FIRST_PICTURE_S, SOUGHT_S, HEARD_S = 3.0, 2.0, 20.0
PARTS = """() => {
  const within = (root, selector) => root?.querySelector(selector)?.shadowRoot;
  const player = within(within(document, "tk-app"), "tk-player");
  const pictures = within(player, "tk-pictures");
  return [...(pictures?.querySelectorAll("tk-part") ?? [])].map((part) => {
    const video = part.shadowRoot.querySelector("video");
    return {
      large: part.large, ready: video.readyState, at: video.currentTime, seeking: video.seeking,
      width: video.videoWidth, paused: video.paused,
      heard: video.webkitAudioDecodedByteCount ?? 0,
    };
  });
}"""
LARGE_SHOWN = f"() => ({PARTS})().some((one) => one.large && one.ready >= 2 && one.width > 0)"
ALL_AT = f"""(s) => {{ const all = ({PARTS})();
  return all.length === 4 && all.every((one) =>
    one.ready >= 3 && !one.seeking && Math.abs(one.at - s) < 3); }}"""
ALL_HEARD = f"() => ({PARTS})().every((one) => !one.paused && one.at > 1 && one.heard > 0)"


@dataclass
class Library:
    """A server with the lesson in its library."""

    server: ServerProcess
    browser: Browser
    folder: Path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, playwright: Playwright) -> Iterator[Library]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("library")
        server = ServerProcess(folder / "data", settings={"TONGKE_HOST": "127.0.0.1"})
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        recording = server.data_folder / "recordings" / "long1"
        recording.parent.mkdir(exist_ok=True)
        write_lesson(recording, SHAPE)
        finish(recording)
        enter_finished(server, county.lesson_now(mode="blended"), recording)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS])
        stack.callback(browser.close)
        yield Library(server, browser, folder)


@pytest.fixture
def player(library: Library) -> Iterator[Callable[[int], Page]]:
    """Opens the player on a line of so many bits a second; the page has been loaded before."""
    with library.browser.new_context(ignore_https_errors=True, locale="en-US") as context:
        context.set_default_timeout(WAIT_S * 1000)
        origin = library.server.origin
        answer = context.request.post(
            f"{origin}/api/session", data=TEACHER, headers={"origin": origin}
        )
        assert answer.ok, answer.text()
        page = context.new_page()
        page.goto(f"{origin}/library")
        page.wait_for_load_state("networkidle")

        def opened(bps: int) -> Page:
            line = context.new_cdp_session(page)
            line.send("Network.enable")
            line.send(
                "Network.emulateNetworkConditions",
                {
                    "offline": False,
                    "latency": DELAY_MS,
                    "downloadThroughput": bps / 8,
                    "uploadThroughput": bps / 8,
                },
            )
            page.evaluate("(to) => history.pushState({}, '', to)", "/library/long1")
            page.evaluate("() => dispatchEvent(new PopStateEvent('popstate'))")
            return page

        yield opened


def took(wait: Callable[[], object]) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    wait()
    return time.monotonic() - began


def test_it_is_seen_and_sought_within_moments(
    player: Callable[[int], Page], record_testsuite_property: Callable[[str, object], None]
) -> None:
    page = player(WIDE_BPS)
    seen_s = took(lambda: page.wait_for_function(LARGE_SHOWN))
    record_testsuite_property("first_picture_s", round(seen_s, 2))
    page.get_by_test_id("play").click()
    page.wait_for_function(ALL_HEARD)
    page.get_by_test_id("play").click()  # a slow machine that cannot decode four would jump on
    page.get_by_test_id("seek").focus()
    sought = []
    for key, place in (("5", 0.5), ("8", 0.8), ("2", 0.2)):
        page.keyboard.press(key)
        target = SHAPE.seconds * place
        sought.append(took(partial(page.wait_for_function, ALL_AT, arg=target)))
    record_testsuite_property("seeks_s", [round(one, 2) for one in sought])
    assert seen_s < FIRST_PICTURE_S
    assert min(sought) < SOUGHT_S


def test_on_a_thin_line_all_are_heard(
    player: Callable[[int], Page], record_testsuite_property: Callable[[str, object], None]
) -> None:
    """The line carries a ninth of the lesson: every sound plays, and the page says what it is."""
    page = player(THIN_BPS)
    seen_s = took(lambda: page.wait_for_function(LARGE_SHOWN))
    page.get_by_test_id("play").click()
    heard_s = took(lambda: page.wait_for_function(ALL_HEARD))
    record_testsuite_property("first_picture_s", round(seen_s, 2))
    record_testsuite_property("heard_s", round(heard_s, 2))
    assert seen_s + heard_s < HEARD_S
    assert page.get_by_text("sound only").count() >= 3


@pytest.mark.skipif(
    not has_firefox(), reason="needs Debian's firefox-esr (scripts/need-browsers.sh)"
)
def test_firefox_knows_its_length_and_seeks(library: Library) -> None:
    origin = library.server.origin
    with firefox(library.folder) as browser:
        browser.goto(f"{origin}/library")
        signed_in = """async (who) => (await fetch("/api/session", { method: "POST",
          headers: { "content-type": "application/json" }, body: JSON.stringify(who) })).ok"""
        assert browser.evaluate(signed_in, TEACHER)
        browser.goto(f"{origin}/library/long1?t=300")
        browser.wait(ALL_AT, 300)
