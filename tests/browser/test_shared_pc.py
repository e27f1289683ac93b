"""A PC that many people use: what one has watched, the next does not find in the browser.

Read back through Chromium's own cache, by the page and by a `<video>`.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.county import TEACHER, County
from tests.browser.filed_recording import Film, file_recording
from tests.browser.screens import CHROMIUM, FLAGS
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

FILM = "/media/recordings/rec1/lead-teacher.mp4"
PLAYS = """src => new Promise(resolve => {
  const video = document.createElement("video");
  video.muted = true;
  video.oncanplaythrough = () => resolve(true);
  video.onerror = () => resolve(false);
  video.src = src;
})"""
# Whatever the cache holds, however old, and nothing else.
CACHED = """src => fetch(src, {cache: "only-if-cached", mode: "same-origin"})
  .then(answer => answer.ok, () => false)"""
READ = "src => fetch(src).then(answer => answer.arrayBuffer()).then(bytes => bytes.byteLength)"


def sign_in(page: Page, server: ServerProcess) -> None:
    page.goto(f"{server.origin}/sign-in")
    page.get_by_test_id("field-username").fill(TEACHER["username"])
    page.get_by_test_id("field-password").fill(TEACHER["password"])
    page.get_by_test_id("sign-in").click()
    page.wait_for_url(f"{server.origin}/")


def test_after_signing_out_nothing_plays(tmp_path: Path, playwright: Playwright) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data", settings={"TONGKE_HOST": "127.0.0.1"})
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="standard")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now()
        file_recording(server, lesson_id, "rec1", [Film("lead", "teacher", grey=80, seconds=2)])

        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[*FLAGS],
            ignore_default_args=["--disable-back-forward-cache"],  # as people have it
        )
        stack.callback(browser.close)
        visit = browser.new_context(ignore_https_errors=True, locale="en-US")
        page = visit.new_page()
        sign_in(page, server)
        assert page.evaluate(READ, FILM) > 1000
        assert page.evaluate(PLAYS, FILM)

        page.get_by_role("link", name="Library").click()
        page.wait_for_url(f"{server.origin}/library")
        visit.set_offline(True)
        page.get_by_test_id("person").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("The server does not answer")).to_be_visible()
        visit.set_offline(False)
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()  # nobody is, yet
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{server.origin}/sign-in")
        other = visit.new_page()
        other.goto(f"{server.origin}/sign-in")
        for tab in (page, other):
            assert not tab.evaluate(CACHED, FILM)
            assert not tab.evaluate(PLAYS, FILM)
        page.go_back()
        page.wait_for_url(re.compile(r"/sign-in\?next="))

        sign_in(page, server)
        page.get_by_role("link", name="Library").click()
        page.goto(f"{server.origin}/healthz")  # the browser keeps the page before, whole
        other.evaluate("() => fetch('/api/session', {method: 'DELETE'})")
        page.go_back()
        page.wait_for_url(re.compile(r"/sign-in\?next="))
        assert server.stop() == 0
