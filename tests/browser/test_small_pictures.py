"""The player shows a part's small picture in the large one's place: the same moment, and back.

In a real Chromium; the pictures have their numbers in them, so one that stands still, or is of
another moment, cannot pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from recorder import finish_steps
from tests.browser.county import TEACHER, County
from tests.browser.filed_recording import enter_finished
from tests.browser.screens import CHROMIUM, FLAGS, WAIT_S
from tests.browser.server_process import ServerProcess
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    SOUND,
    VIDEO,
    Encoded,
    Stream,
    encode_marks,
    encode_video,
    packetise,
    with_ssrc,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SECONDS = 20.0
PLAYED = """() => {
  const within = (root, selector) => root?.querySelector(selector)?.shadowRoot;
  const player = within(within(document, "tk-app"), "tk-player");
  const part = within(within(player, "tk-pictures"), "tk-part");
  const video = part?.querySelector("video");
  return video ? [video.videoWidth, video.currentTime, video.readyState] : [0, 0, 0];
}"""


def recorded(folder: Path) -> None:
    lesson = RecordedLesson(folder)
    lesson.open()
    low = with_ssrc(VIDEO["H264"], 0x9999)
    lesson.track("v", VIDEO["H264"])
    lesson.track("b", low, beside=True)
    lesson.track("a", SOUND)

    def sent(track: str, stream: Stream, frames: list[Encoded]) -> list[Packet]:
        return [Packet(at, track, data) for at, data in packetise(stream, frames)]

    packets = sent("v", VIDEO["H264"], encode_video("H264", SECONDS, width=640, height=360))
    packets += sent("b", low, encode_video("H264", SECONDS, width=160, height=96))
    packets += sent("a", SOUND, encode_marks(SECONDS))
    lesson.receive(packets, until=SECONDS + 1)
    lesson.close()


@pytest.fixture
def page(tmp_path: Path, playwright: Playwright, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setattr(finish_steps, "LOW_SHARE", 1.0)  # counted pictures are small
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data", settings={"TONGKE_HOST": "127.0.0.1"})
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        folder = server.data_folder / "recordings" / "rec1"
        folder.parent.mkdir(exist_ok=True)
        recorded(folder)
        enter_finished(server, county.lesson_now(mode="blended"), folder)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS])
        stack.callback(browser.close)
        context = browser.new_context(ignore_https_errors=True, locale="en-US")
        context.set_default_timeout(WAIT_S * 1000)
        origin = server.origin
        answer = context.request.post(
            f"{origin}/api/session", data=TEACHER, headers={"origin": origin}
        )
        assert answer.ok, answer.text()
        opened = context.new_page()
        opened.goto(f"{origin}/library/rec1?t=5")
        yield opened


def test_it_is_chosen_plays_the_same_moment_and_is_left_again(page: Page) -> None:
    shown = (
        "([width, at]) => { const [w, t, ready] = ("
        + PLAYED
        + ")(); \
        return w === width && ready >= 3 && t > at; }"
    )
    page.get_by_test_id("play").click()
    page.wait_for_function(shown, arg=[640, 5])
    page.get_by_test_id("quality").select_option("small")
    page.wait_for_function(shown, arg=[160, 5])
    _, first, _ = page.evaluate(PLAYED)
    page.wait_for_function(shown, arg=[160, first + 1])
    page.get_by_test_id("quality").select_option("sharp")
    page.wait_for_function(shown, arg=[640, first + 1])
    expect(page.get_by_test_id("quality")).to_have_value("sharp")
