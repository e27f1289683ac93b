"""Pictures of every page in every state, in both languages and all sizes: `make screens`.

A demonstration is started, walked through as people would (a lesson is prepared, held, interrupted
and ended, then played), and stopped. Nothing is tested by it but that each state can be reached:
the pictures are for eyes. `--sizes 390x844` and `--parts office` make fewer.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.contact_sheet import LANGUAGES, SIZES, Album
from tests.browser.further_states import forms, lines_of_a_room, within_a_lesson
from tests.browser.program_states import program_outside, recorded_in_one
from tests.browser.screens import CHROMIUM, FLAGS
from tests.browser.walk import PATIENCE_MS, Pages, Walk, demonstration

LOST_MS = 20_000  # until a page has noticed that the server is away
ADMIN = (
    "live",
    "schools",
    "classrooms",
    "communities",
    "users",
    "import",
    "server",
    "certificate",
    "keeping",
    "deleted",
)
# What needs no lesson; what is asked, refused or amiss there; a lesson watched elsewhere; a lesson
# and what is left of it.
PARTS = ("office", "forms", "program", "lesson")
DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def office(walk: Walk) -> None:
    needed = json.dumps({"needed": True})
    walk.show("sign-in", walk.nobody, "/sign-in")
    walk.show(
        "setup",
        walk.nobody,
        "/setup#key=tkk_a-key",
        lambda page: page.route(
            "**/api/setup",
            lambda route: route.fulfill(body=needed, content_type="application/json"),
        ),
    )
    walk.show("trust", walk.nobody, "/trust")
    walk.show("not found", walk.nobody, "/nowhere")
    walk.show("room without a place", walk.nobody, "/room")
    walk.show("today", walk.teacher, "/")
    walk.show(
        "today start form",
        walk.teacher,
        "/",
        then=lambda page: page.get_by_test_id("more").click(),
    )
    walk.show("library empty", walk.teacher, "/library")
    for section in ADMIN:
        walk.show(f"admin {section}", walk.administrator, f"/admin/{section}")


def rooms_of(walk: Walk) -> Pages:
    """A room's screen in each language: another room's each."""
    pages = {}
    for language, secret in zip(LANGUAGES, walk.county["credentials"], strict=False):
        page = walk.browser.new_context(locale=language).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{walk.origin}/room#credential={secret}")
        pages[language] = page
    next(iter(pages.values())).wait_for_timeout(8_000)
    return pages


def lesson(walk: Walk, demo_pid: int) -> None:
    album, path = walk.album, f"/teach/{walk.county['lesson_id']}"
    rooms = rooms_of(walk)
    album.take("room waiting", rooms)
    teachers = walk.open(walk.teacher, path)
    album.take("teach check", teachers)
    watchers: Pages = {}
    held: list[str] = []
    for place, (language, teacher) in enumerate(teachers.items()):  # the second takes over
        one = {language: teacher}

        def begin(teacher: Page = teacher) -> None:
            teacher.get_by_test_id("device-start").click()
            teacher.locator("[data-testid^=give-floor-]").first.wait_for()
            teacher.wait_for_timeout(3_000)

        walk.doing(f"teach lesson ({language})", begin)
        if held:
            album.take("teach elsewhere", {held[-1]: teachers[held[-1]]})
        album.take("teach lesson", one)
        if not watchers:
            watchers = walk.open(walk.administrator, f"/observe/{walk.county['lesson_id']}")
            album.take("room lesson", rooms)
            album.take("observe", watchers)

        def call(teacher: Page = teacher, place: int = place) -> None:
            teacher.locator("[data-testid^=give-floor-]").nth(place).click()
            teacher.get_by_test_id("chat").click()
            teacher.get_by_test_id("chat-input").fill("请大家翻到第 12 页。 Page 12, please.")
            teacher.get_by_test_id("chat-send").click()
            teacher.wait_for_timeout(2_000)

        walk.doing(f"teach floor ({language})", call)
        album.take("teach floor and chat", one)
        album.take("room floor", {language: rooms[language]})
        album.take("observe chat line", {language: watchers[language]})
        within_a_lesson(walk, language, teacher, rooms)
        held.append(language)
    os.kill(demo_pid, signal.SIGSTOP)
    try:
        rooms[LANGUAGES[0]].wait_for_timeout(LOST_MS)
        album.take("room lost", rooms)
        album.take("teach lost", {held[-1]: teachers[held[-1]]})
    finally:
        os.kill(demo_pid, signal.SIGCONT)
    end(walk, teachers[held[-1]], held[-1], rooms, watchers)


def end(walk: Walk, teacher: Page, language: str, rooms: Pages, watchers: Pages) -> None:
    def press() -> None:
        teacher.set_viewport_size({"width": 1366, "height": 768})
        teacher.wait_for_timeout(6_000)  # the server was away
        teacher.get_by_test_id("end").click()
        teacher.get_by_test_id("end-confirm").click()
        teacher.wait_for_timeout(2_000)

    walk.doing("teach ended", press)
    walk.album.take("teach ended", {language: teacher})
    walk.album.take("room ended", rooms)
    walk.album.take("observe ended", watchers)
    lines_of_a_room(walk, rooms)


def archive(walk: Walk) -> None:
    context = walk.teacher[LANGUAGES[0]]
    found: list[dict[str, Any]] = []
    waiting = context.new_page()
    for _ in range(120):
        found = context.request.get(f"{walk.origin}/api/recordings").json()
        if any(one["state"] == "ready" for one in found):
            break
        waiting.wait_for_timeout(500)
    waiting.close()
    ready = next(one["id"] for one in found if one["state"] == "ready")
    walk.show("library", walk.teacher, "/library")
    walk.show(
        "library nothing found",
        walk.teacher,
        "/library",
        then=lambda page: page.get_by_test_id("library-search").fill("zzz"),
    )
    walk.show("player", walk.teacher, f"/library/{ready}?t=20")
    address = f"{walk.origin}/api/recordings/{ready}"
    if context.request.get(address).json()["program"]:
        recorded_in_one(walk, ready)
    walk.show(
        "player keys",
        walk.teacher,
        f"/library/{ready}?t=20",
        then=lambda page: page.keyboard.press("?"),
    )
    walk.show(
        "player filled",
        walk.teacher,
        f"/library/{ready}?t=20",
        before=lambda page: page.add_init_script(
            "Element.prototype.requestFullscreen = () => Promise.reject(new Error('no'))"
        ),
        then=lambda page: page.keyboard.press("f"),
    )
    walk.show("today after a lesson", walk.teacher, "/")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make screens", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/screens"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--sizes", nargs="+", default=[f"{w}x{h}" for w, h in SIZES])
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for old in asked.folder.glob("*.png"):
        old.unlink()
    sizes = tuple((int(w), int(h)) for w, h in (size.split("x") for size in asked.sizes))
    album = Album(asked.folder, sizes)
    with demonstration() as (county, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *DEVICES])
        walk = Walk(browser, county, album)
        if "office" in asked.parts:
            office(walk)
        if "forms" in asked.parts:
            forms(walk)
        if "program" in asked.parts:
            program_outside(walk)
        if "lesson" in asked.parts:
            lesson(walk, pid)
            archive(walk)
        browser.close()
    print(f"{len(album.shots)} pictures: {album.write()}")
    for fault in album.faults:
        print(f"not shown: {fault}", file=sys.stderr)
    return 1 if album.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
