"""The program as it is watched elsewhere, for `make screens`: broadcast, pushes, recording."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from playwright.sync_api import Page

from tests.browser.further_states import answering
from tests.browser.walk import Walk

FULL = """() => tongkeSession.store.dispatch({
  type: "refused",
  refusal: { code: "lesson-full", zh: "课堂人数已满。", en: "The lesson is full." },
})"""


def program_outside(walk: Walk) -> None:
    """Of a lesson that is live."""
    path = f"/observe/{walk.county['lesson_id']}"

    def plays(page: Page) -> None:
        page.locator("tk-broadcast[data-state=playing]").wait_for()
        page.wait_for_timeout(2_000)

    def broadcast(page: Page) -> None:
        page.get_by_test_id("show-broadcast").click()
        plays(page)

    def back(page: Page) -> None:
        broadcast(page)
        page.wait_for_timeout(8_000)
        page.get_by_test_id("broadcast-back").click()
        page.wait_for_timeout(2_000)

    def full(page: Page) -> None:
        page.evaluate(FULL)
        plays(page)

    walk.show("observe broadcast", walk.administrator, path, then=broadcast)
    walk.show("observe broadcast back", walk.administrator, path, then=back)
    walk.show("observe lesson full", walk.administrator, path, then=full)
    pushed = answering("**/pushes", pushes())
    walk.show("admin live pushes", walk.administrator, "/admin/live", pushed, then=unfold)

    def lead(page: Page) -> None:
        page.get_by_test_id("device-start").click()
        page.locator("[data-testid^=give-floor-]").first.wait_for()
        unfold(page)

    for language, context in walk.teacher.items():  # the second would take over from the first
        page = context.new_page()
        pushed(page)
        page.goto(f"{walk.origin}/teach/{walk.county['lesson_id']}")
        walk.doing("teach pushes", partial(lead, page))
        walk.album.take("teach pushes", {language: page})
        page.close()


def unfold(page: Page) -> None:
    fold = page.get_by_test_id("elsewhere").first
    fold.locator("summary").click()
    fold.get_by_text("rtmp://live.example.cn").first.wait_for()
    fold.scroll_into_view_if_needed()


def pushes() -> list[dict[str, Any]]:
    """One that is sent to, one that takes nothing."""
    common = {"since": time.time() - 300, "starts": 1}
    return [
        {
            **common,
            "push_id": "p1",
            "target": "rtmp://live.example.cn:1935/app/…",
            "standing": "sending",
            "code": "",
            "message_zh": "",
            "message_en": "",
        },
        {
            **common,
            "push_id": "p2",
            "target": "srt://10.20.30.40:9000",
            "standing": "waiting",
            "code": "stalled",
            "message_zh": "对方服务器不再接收数据，已断开重试。",
            "message_en": "The server takes no more data; the connection was ended and is tried "
            "again.",
        },
    ]


def recorded_in_one(walk: Walk, recording_id: str) -> None:
    """The player with the program, where one was made."""
    walk.show(
        "player one picture",
        walk.teacher,
        f"/library/{recording_id}?t=20",
        then=lambda page: page.get_by_test_id("in-one").click(timeout=3_000),
    )
