"""A lesson that nobody leads is the school's: who may take it over or end it, and who may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from server.database.models import Lesson
from signaling.protocol.messages import EndReason
from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.world import PASSWORD, World, post, running_world

Ids = dict[str, str]


@pytest.fixture
async def people(world: World, admin: httpx.AsyncClient, community: Ids) -> Ids:
    """Besides Li, Wang and the outsider: Chen, who teaches at Li's school."""
    chen = {
        "username": "chen",
        "display_name": "陈老师",
        "role": "teacher",
        "school_id": community["lead_school"],
        "password": PASSWORD,
    }
    return {**community, "chen": (await post(admin, "/api/users", chen))["id"]}


async def seen_by(world: World, who: str, lesson_id: str) -> dict[str, Any]:
    browser = await world.signed_in(who)
    return dict((await browser.get(f"/api/lessons/{lesson_id}")).json())


async def act(world: World, who: str, lesson_id: str, deed: str) -> httpx.Response:
    return await (await world.signed_in(who)).post(f"/api/lessons/{lesson_id}/{deed}")


RIGHTS: list[tuple[str, list[str], list[str], list[str], list[str]]] = [
    # who, planned, live and nobody leads it, live and led, ended
    ("li", ["change"], ["change", "end"], ["change", "end"], []),
    ("chen", [], ["end", "take-over"], [], []),
    ("wang", [], [], [], []),
    (
        "admin",
        ["change"],
        ["change", "end", "take-over"],
        ["change", "end", "take-over"],
        [],
    ),
]


async def test_what_each_may_do_is_told(world: World, present: Present, people: Ids) -> None:
    lesson = await plan(world, people, 600)

    async def told() -> list[list[str]]:
        return [(await seen_by(world, who, lesson))["may"] for who, *_ in RIGHTS]

    stages = [await told()]
    await act(world, "li", lesson, "start")
    stages.append(await told())
    present.there[lesson] = {"lead"}
    stages.append(await told())
    await act(world, "li", lesson, "end")
    stages.append(await told())
    assert stages == [[row[stage] for row in RIGHTS] for stage in range(1, 5)]


async def test_a_lesson_whose_teacher_is_deleted_asks_for_one_and_does_not_open(
    world: World, present: Present, admin: httpx.AsyncClient, people: Ids
) -> None:
    lesson = await plan(world, people, 600)
    assert (await admin.delete(f"/api/users/{people['li']}")).status_code == 204
    world.clock.pass_s(600)
    await world.services.lessons.keep_time()
    told = await seen_by(world, "chen", lesson)
    assert (told["state"], told["teacher"]["id"]) == ("planned", None)
    assert told["waits"]["code"] == "no-teacher"
    assert told["may"] == ["take-over"]
    started = await admin.post(f"/api/lessons/{lesson}/start")
    assert (started.status_code, started.json()["code"]) == (409, "no-teacher")
    refused = await act(world, "wang", lesson, "take-over")
    assert (refused.status_code, refused.json()["code"]) == (403, "not-its-teacher")
    taken = (await act(world, "chen", lesson, "take-over")).json()
    assert taken["teacher"] == {"id": people["chen"], "display_name": "陈老师"}
    assert taken["seats"][0]["name"] == "陈老师"
    await world.services.lessons.keep_time()
    told = await seen_by(world, "chen", lesson)
    assert (told["state"], told["waits"], told["may"]) == ("live", None, ["change", "end"])


async def test_who_has_gone_to_a_school_elsewhere_opens_no_lesson_in_the_old_rooms(
    world: World, admin: httpx.AsyncClient, people: Ids
) -> None:
    """It is the school's then; in a community of the new one it is theirs again."""
    lesson = await plan(world, people, 3600)
    path = f"/api/lessons/{lesson}"
    moved = {"school_id": people["elsewhere"]}
    assert (await admin.patch(f"/api/users/{people['li']}", json=moved)).status_code == 200
    li = await world.signed_in("li")
    refused = await li.post(f"{path}/start")
    assert (refused.status_code, refused.json()["code"]) == (409, "no-teacher")
    assert "take-over" in (await seen_by(world, "chen", lesson))["may"]
    communities = {}
    for lead, name in (("elsewhere", "远方共同体"), ("rural_2", "河湾共同体")):
        body = {"name": name, "lead_school_id": people[lead]}
        schools = {"partner_school_ids": [people["rural_1"]]}
        communities[lead] = (await post(admin, "/api/communities", {**body, **schools}))["id"]
    answers = []
    for lead, room in (("rural_2", "room_2"), ("elsewhere", "room_3")):
        rooms = {"lead_classroom_id": people[room], "room_classroom_ids": [people["room_1"]]}
        answers.append(await li.patch(path, json={"community_id": communities[lead], **rooms}))
    assert [answer.status_code for answer in answers] == [403, 200]
    assert (await li.post(f"{path}/start")).json()["state"] == "live"


async def test_a_colleague_takes_a_live_lesson_over_when_nobody_leads_it(
    world: World, present: Present, people: Ids
) -> None:
    lesson = await plan(world, people, None)
    present.there[lesson] = {"lead", "room-1"}
    refused = await act(world, "chen", lesson, "take-over")
    assert (refused.status_code, refused.json()["code"]) == (409, "lesson-is-led")
    assert "李老师" in refused.json()["message_zh"]
    present.there[lesson] = {"room-1"}
    world.clock.pass_s(59)  # a line that is lost for a moment makes nobody a stranger
    assert (await act(world, "chen", lesson, "take-over")).status_code == 409
    world.clock.pass_s(1)
    assert (await act(world, "wang", lesson, "take-over")).status_code == 403
    assert (await act(world, "outsider", lesson, "take-over")).status_code == 404
    assert (await act(world, "chen", lesson, "take-over")).status_code == 200
    assert present.leads == [(lesson, "陈老师")]
    chen, li = await world.signed_in("chen"), await world.signed_in("li")
    path = f"/api/lessons/{lesson}/token"
    assert (await chen.post(path, json={"role": "lead"})).status_code == 200
    assert (await li.post(path, json={"role": "lead"})).status_code == 403


async def test_how_long_a_lead_may_be_away_is_the_setting(tmp_path: Path) -> None:
    async with running_world(tmp_path, away_grace_s=90) as world:
        ids = await world.community(await world.administrator())
        desk = world.services.lessons
        desk.live = present = Present(world)
        lesson_id = await plan(world, ids, None)
        async with world.services.database.read() as session:
            lesson = await session.get(Lesson, lesson_id)
        assert lesson is not None
        present.there[lesson_id] = {"lead"}
        assert desk.is_led(lesson)
        present.there[lesson_id] = set()
        world.clock.pass_s(89)
        assert desk.is_led(lesson)
        world.clock.pass_s(1)
        assert not desk.is_led(lesson)


async def test_after_a_restart_the_lead_has_time_to_come_back(
    world: World, present: Present, people: Ids
) -> None:
    lesson = await plan(world, people, None)
    world.clock.pass_s(1)
    desk = world.services.lessons
    desk._began_at = world.clock()  # as a desk that was made just now
    assert (await act(world, "chen", lesson, "take-over")).json()["code"] == "lesson-is-led"
    world.clock.pass_s(60)
    assert (await act(world, "chen", lesson, "take-over")).status_code == 200


@pytest.mark.parametrize(
    ("who", "reason"),
    [("li", "by-lead"), ("chen", "by-colleague"), ("admin", "by-administrator")],
)
async def test_who_ends_it_is_told_to_all(
    world: World, present: Present, people: Ids, who: str, reason: EndReason
) -> None:
    lesson = await plan(world, people, None)
    present.there[lesson] = {"room-1"}
    assert (await act(world, "wang", lesson, "end")).status_code == 403
    assert (await act(world, who, lesson, "end")).json()["state"] == "ended"
    assert present.ended == [(lesson, reason)]


async def test_a_lesson_that_is_led_is_not_ended_by_a_colleague(
    world: World, present: Present, people: Ids
) -> None:
    lesson = await plan(world, people, None)
    present.there[lesson] = {"lead"}
    refused = await act(world, "chen", lesson, "end")
    assert (refused.status_code, refused.json()["code"]) == (409, "lesson-is-led")
    assert present.ended == []


async def test_a_live_lesson_is_listed_whatever_the_date(
    world: World, present: Present, people: Ids
) -> None:
    old = await plan(world, people, None)
    world.clock.pass_s(3 * 86_400)
    li, now = await world.signed_in("li"), world.clock()

    async def listed() -> list[str]:
        day = {"from": now - 3600, "to": now + 3600}
        return [one["id"] for one in (await li.get("/api/lessons", params=day)).json()]

    assert await listed() == [old]
    await act(world, "li", old, "end")
    assert await listed() == []


async def test_rooms_come_to_a_lesson_of_next_month_that_begins_now(
    world: World, present: Present, admin: httpx.AsyncClient, people: Ids
) -> None:
    path = f"/api/classrooms/{people['room_1']}/credentials"
    secret = (await post(admin, path, {"label": "电脑"}))["secret"]
    lesson = await plan(world, people, 30 * 86_400)
    await act(world, "li", lesson, "start")
    headers = {"authorization": f"Bearer {secret}"}
    answer = (await (await world.browser()).get("/api/room", headers=headers)).json()
    assert (answer["lesson"]["id"], bool(answer["token"])) == (lesson, True)
