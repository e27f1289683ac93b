"""A teacher shares slides: each page that was turned is in the recording, and a chapter of it.

In a real Chromium, with a screen whose slides change at moments that are kept, while a pointer
moves over them all the time. What the journal and the player say is compared with those moments.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.county import County
from tests.browser.marked_lesson import end, finished, lasts
from tests.browser.screens import Screen, open_seat
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHARED = (Path(__file__).parent / "shared_screen.js").read_text()
# Seconds after the one before, and the slide that is shown from then on. The second is leafed over.
TURNS = ((7, 1), (12, 2), (2.5, 3))
LAST_S = 12  # a pointer moves over the last slide
NEAR_S = 2.0


def test_turned_pages_are_chapters(tmp_path: Path, playwright: Playwright) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data")
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(record=True)
        teacher = open_seat(stack, playwright, tmp_path, "Li Min", 1)
        teacher.page.add_init_script(SHARED)
        county.teach(teacher, lesson_id)
        turned = slides_are_shown(teacher)
        end(teacher)
        folder = finished(teacher, county, server, lesson_id)
        manifest = json.loads((folder / "manifest.json").read_text())
        told = [event for event in manifest["events"] if event["type"] == "screen_page"]
        assert [event["page"] for event in told] == [2, 3, 4], "the pointer turned no page"
        for event, moment in zip(told, turned, strict=True):
            assert event["since"] == pytest.approx(moment, abs=NEAR_S)
        teacher.page.goto(f"{server.origin}/library/{folder.name}")
        chapters = teacher.page.locator("tk-player-details li button")
        pages = chapters.filter(has_text="of the shared screen")
        expect(chapters.filter(has_text="shares a screen")).to_have_count(1)
        expect(pages).to_have_count(2)  # one was leafed over
        for chapter, words, moment in (
            (pages.first, "Page 2 of", turned[0]),
            (pages.last, "Page 4 of", turned[2]),
        ):
            expect(chapter).to_contain_text(words)
            minutes, seconds = chapter.locator("time").inner_text().split(":")
            place = moment - manifest["started_at"]
            assert 60 * int(minutes) + int(seconds) == pytest.approx(place, abs=NEAR_S)
        assert server.stop() == 0


def slides_are_shown(teacher: Screen) -> list[float]:
    """When each page was turned (Unix time)."""
    teacher.page.get_by_test_id("share-screen").click()
    expect(teacher.page.get_by_test_id("share-screen")).to_contain_text("Stop")
    for after_s, number in TURNS:
        lasts(teacher, after_s)
        teacher.page.evaluate("number => SharedScreen.show(number)", number + 1)
    lasts(teacher, LAST_S)
    return [at for _, at in teacher.page.evaluate("SharedScreen.shown")]
