"""States of the pages that come seldom, are asked for, or go wrong, for `make screens`.

What a demonstration does not come to by itself (an authority's failure, a line by a detour) is put
in its place where the page gets it: the answer to its question.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import FilePayload, Page, Route

from tests.browser.walk import Pages, Walk

DAY_S = 86_400
ENDED_SHOWN_MS = 21_000  # a room says that a lesson is over for so long
WRONG_TABLE = """学校,学校类型,教室,硬件配置,设备,姓名,用户名,角色
远山小学,乡村,一班,standard,教室电脑,王老师,wang,教师
,,二班,没有的配置,教室电脑,,,
远方小学,,三班,,,赵老师,zhao wei,教师
"""
RIGHT_TABLE = "\n".join(WRONG_TABLE.splitlines()[:2]) + "\n"
FINGERPRINT = ":".join(["3F", "A9", "10", "C4"] * 8)
LINES = ("slow", "detour", "blocked")
ROOM_CHECK = "document.querySelector('tk-app').renderRoot.querySelector('tk-room').readying.check"


def answering(path: str, body: object) -> Callable[[Page], object]:
    """Before a page is opened: what it is told at this address."""
    text = json.dumps(body)

    def answer(route: Route) -> None:
        route.fulfill(body=text, content_type="application/json")

    return lambda page: page.route(path, answer)


def forms(walk: Walk) -> None:
    """What is asked, refused or amiss where no lesson is held."""
    signed_out(walk)
    todays(walk)
    administration(walk)
    certificates(walk)
    keeping(walk)


def signed_out(walk: Walk) -> None:
    def wrong(page: Page) -> None:
        page.get_by_test_id("field-username").fill("teacher")
        page.get_by_test_id("field-password").fill("nothing like it")
        page.get_by_test_id("sign-in").click()
        page.get_by_role("alert").first.wait_for()

    walk.show("sign-in refused", walk.nobody, "/sign-in", then=wrong)
    walk.show("room refused", walk.nobody, "/room#credential=tkr_revoked")
    full = {
        "code": "too-many-screens",
        "message_zh": "等待配对的屏幕太多，请稍后再试。",
        "message_en": "Too many screens wait to be paired. Try again later.",
    }
    walk.show(
        "room pairing refused",
        walk.nobody,
        "/room",
        lambda page: page.route(
            "**/api/pairing",
            lambda route: route.fulfill(
                status=429, body=json.dumps(full), content_type="application/json"
            ),
        ),
    )
    walk.show("key used up", walk.nobody, "/key#key=tkk_used-up")
    trust = {
        "authority": {
            "name": "Tongke CA",
            "begins_at": time.time(),
            "ends_at": time.time() + 3650 * DAY_S,
            "fingerprint": FINGERPRINT,
        },
        "origin": "https://tongke.school.example",
    }
    walk.show("trust own authority", walk.nobody, "/trust", answering("**/api/trust", trust))


def todays(walk: Walk) -> None:
    walk.show("account", walk.teacher, "/account")
    walk.show(
        "today change form",
        walk.teacher,
        "/",
        then=lambda page: page.get_by_test_id("edit").first.click(),
    )
    walk.show(
        "today person menu",
        walk.teacher,
        "/",
        then=lambda page: page.get_by_test_id("person").click(),
    )
    walk.show(
        "today server away",
        walk.teacher,
        "/",
        lambda page: page.route("**/api/**", lambda route: route.abort()),
    )
    walk.show("teach no such lesson", walk.teacher, "/teach/nothing")
    walk.show("player no such recording", walk.teacher, "/library/nothing")
    lessons = walk.teacher["en-US"].request.get(f"{walk.origin}/api/lessons").json()
    planned = next(one for one in lessons if one["state"] == "planned")
    conditions: list[dict[str, Any] | None] = [
        {"camera": "ready", "sound": "ready", "line": "ready", "rtt_ms": 12.0},
        {"camera": "missing", "sound": "silent", "line": "detour", "rtt_ms": 80.0},
        {"camera": "black", "sound": "denied", "line": "blocked", "rtt_ms": 40.0},
        None,
    ]
    rooms = [seat for seat in planned["seats"] if seat["role"] == "room"]
    told = [
        {
            "seat_id": seat["seat_id"],
            "classroom_id": None,
            "online": condition is not None,
            "readiness": condition,
        }
        for seat, condition in zip(rooms, conditions, strict=False)
    ]
    walk.show(
        "teach prepare",
        walk.teacher,
        f"/teach/{planned['id']}",
        answering("**/readiness", told),
    )


def administration(walk: Walk) -> None:
    def table(text: str) -> Callable[[Page], None]:
        file: FilePayload = {
            "name": "county.csv",
            "mimeType": "text/csv",
            "buffer": text.encode(),
        }

        def look(page: Page) -> None:
            page.get_by_test_id("import-file").set_input_files(files=[file])
            page.get_by_test_id("preview").wait_for()

        return look

    def no_answer(page: Page) -> None:
        table(RIGHT_TABLE)(page)
        page.route("**/api/admin/import?**", lambda route: route.abort())
        page.get_by_test_id("confirm-import").click()

    def pair(page: Page) -> None:
        page.get_by_test_id("field-classroom_id").select_option(index=1)
        page.get_by_test_id("pair").click()

    who = walk.administrator
    walk.show("admin import wrong rows", who, "/admin/import", then=table(WRONG_TABLE))
    walk.show("admin import right rows", who, "/admin/import", then=table(RIGHT_TABLE))
    walk.show("admin import no answer", who, "/admin/import", then=no_answer)
    walk.show("pair expired", who, "/pair/12345678", then=pair)
    walk.show("pair by a teacher", walk.teacher, "/pair/12345678")
    for section in ("schools", "classrooms", "communities", "users"):
        walk.show(
            f"admin {section} form",
            who,
            f"/admin/{section}",
            then=lambda page: page.get_by_test_id("add").click(),
        )
    walk.show(
        "admin credentials",
        who,
        "/admin/classrooms",
        then=lambda page: page.locator("[data-testid^=credentials-]").first.click(),
    )
    walk.show(
        "admin deletion asked",
        who,
        "/admin/schools",
        then=lambda page: page.locator("td.actions button").last.click(),
    )
    walk.show(
        "admin nothing found",
        who,
        "/admin/classrooms",
        then=lambda page: page.get_by_test_id("search").fill("zzz"),
    )


def certificates(walk: Walk) -> None:
    now = time.time()
    own = {
        "acme": None,
        "authority": {
            "name": "Tongke CA",
            "begins_at": now,
            "ends_at": now + 3650 * DAY_S,
            "fingerprint": FINGERPRINT,
        },
        "begins_at": now,
        "ends_at": now + 365 * DAY_S,
        "findings": [],
        "fingerprint": FINGERPRINT,
        "issuer": "Tongke CA",
        "names": ["127.0.0.1", "tongke.school.example"],
        "others": None,
        "reloads": 1,
        "self_made": True,
        "subject": "tongke.school.example",
        "trusted_since": now,
    }
    failing = {
        **own,
        "acme": {
            "detail": "DNS problem: NXDOMAIN looking up A for tongke.school.example",
            "directory": "https://acme.example/directory",
            "failed_at": now,
            "message_zh": "名称 tongke.school.example 没有指向任何地址。请在域名服务商处添加记录。",
            "message_en": "tongke.school.example leads nowhere. Add its record at its registrar.",
            "name": "tongke.school.example",
            "next_at": now + 3600,
            "standing": "failing",
        },
        "others": {"issuer": "Tongke CA", "ends_at": now + 365 * DAY_S, "names": ["127.0.0.1"]},
    }
    path = "**/api/admin/certificate"
    who = walk.administrator
    walk.show("admin certificate own", who, "/admin/certificate", answering(path, own))
    walk.show("admin certificate failing", who, "/admin/certificate", answering(path, failing))


def keeping(walk: Walk) -> None:
    """What rules will do, may not do and did, as an archive of years tells it."""
    now = time.time()

    def planned(title: str, deed: str, in_days: float, **more: object) -> dict[str, object]:
        usual = {"recording_id": title, "title": title, "community": "青山教学共同体", "deed": deed}
        rule = {"rule": "delete", "days": 365, "obstacle": None, "undoable": False}
        return {**usual, "at": now + in_days * DAY_S, "bytes": 1_876_000_000, **rule, **more}

    def used(name: str, quota: str, share: float) -> dict[str, object]:
        return {
            "community_id": name,
            "name": name,
            "retention": "delete" if quota == "over" else "program",
            "retention_days": 365,
            "recordings": 412,
            "used_bytes": round(500e9 * share),
            "quota_bytes": 500_000_000_000,
            "quota": quota,
        }

    told = {
        "server_time": now,
        "undo_days": 30,
        "communities": [
            used("青山教学共同体", "over", 1.04),
            used("The long valley and the five schools above the river", "near", 0.85),
            used("河湾", "free", 0.2),
        ],
        "planned": [
            planned("圆的面积", "purge", 2.0, undoable=True),
            planned("Fractions, and what they are good for on a market day", "delete", 5.5),
            planned("古诗二首", "put-aside", 9.0, rule="program", days=90),
            planned("音乐：茉莉花", "drop", 12.0, rule="program", days=90, undoable=True),
        ],
        "planned_count": 4,
        "planned_bytes": 0,
        "kept": [
            planned("水的循环", "delete", -3.0, obstacle="damaged"),
            planned("Photosynthesis", "put-aside", -8.0, obstacle="no-program"),
        ],
        "kept_count": 2,
        "acts": [
            {**planned("分数的意义", "delete", -1.0), "act": "delete"},
            {**planned("The seasons", "purge", -2.0), "act": "purge", "rule": "by-hand"},
        ],
    }
    who, path = walk.administrator, "**/api/admin/archive"
    walk.show("admin keeping full", who, "/admin/keeping", answering(path, told))

    def choose(page: Page) -> None:
        page.get_by_test_id("add").click()
        page.get_by_test_id("field-retention").select_option("program")

    walk.show("admin community rule", who, "/admin/communities", then=choose)


def within_a_lesson(walk: Walk, language: str, teacher: Page, rooms: Pages) -> None:
    """What a teacher opens, asks and switches, and what a room then shows."""
    album = walk.album
    one, room = {language: teacher}, {language: rooms[language]}

    def press(*hooks: str) -> Callable[[], None]:
        def pressed() -> None:
            for hook in hooks:
                teacher.get_by_test_id(hook).click()
            teacher.wait_for_timeout(1_000)

        return pressed

    def gear() -> None:
        rooms[language].get_by_test_id("settings").click()

    walk.doing("teach devices", press("devices"))
    album.take("teach devices", one)
    walk.doing("teach devices closed", press("devices"))
    walk.doing("teach arrangement", press("arrange"))
    album.take("teach arrangement", one)
    walk.doing("teach arrangement closed", press("arrange"))
    walk.doing("teach paused", press("recording"))
    album.take("teach recording paused", one)
    album.take("room recording paused", room)
    walk.doing("teach records again", press("recording"))
    walk.doing("room settings", gear)
    album.take("room settings", room)
    rooms[language].keyboard.press("Escape")
    walk.doing("teach end asked", press("end"))
    album.take("teach end asked", one)
    teacher.keyboard.press("Escape")
    walk.doing("teach leave asked", press("leave"))
    album.take("teach leave asked", one)
    walk.doing("teacher away", press("leave-a-while"))
    album.take("room teacher away", room)

    def back() -> None:
        teacher.goto(f"{walk.origin}/teach/{walk.county['lesson_id']}")
        start = teacher.get_by_test_id("device-start")
        entered = teacher.get_by_test_id("end")
        start.or_(entered).first.wait_for()
        if start.count():
            start.click()
        entered.wait_for()
        teacher.wait_for_timeout(3_000)

    walk.doing("teacher back", back)


def lines_of_a_room(walk: Walk, rooms: Pages) -> None:
    """A room that waits: all well, and each line that is not."""
    next(iter(rooms.values())).wait_for_timeout(ENDED_SHOWN_MS)
    walk.album.take("room idle", rooms)
    for line in LINES:
        readiness = {"camera": "ready", "sound": "silent", "line": line, "rtt_ms": 30}
        for page in rooms.values():
            walk.doing(
                f"room line {line}",
                partial(
                    page.evaluate,
                    f"readiness => Object.defineProperty({ROOM_CHECK}, 'readiness',"
                    " { configurable: true, get: () => readiness })",
                    readiness,
                ),
            )
        next(iter(rooms.values())).wait_for_timeout(1_200)  # it is drawn anew every second
        walk.album.take(f"room line {line}", rooms)
