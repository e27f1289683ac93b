"""Double booking is told: which room, which lesson, when; while planning, later, at its time."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from server.lessons.clashes import MOST_AT_ONCE, MOST_TOLD
from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.world import World, lesson_body, post

Ids = dict[str, str]
HOUR_S = 3600.0


async def ask(world: World, rooms: list[str], in_s: float | None) -> list[dict[str, Any]]:
    """What the form is told while rooms and time are chosen."""
    wang = await world.signed_in("wang")
    params: dict[str, Any] = {"classroom": rooms}
    if in_s is not None:
        params["starts_at"] = world.clock() + in_s
    answer = await wang.get("/api/lessons/clashes", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


async def told(world: World, lesson_id: str) -> dict[str, Any]:
    li = await world.signed_in("li")
    return dict((await li.get(f"/api/lessons/{lesson_id}")).json())


@pytest.mark.parametrize(
    ("after_s", "clashes"),
    [(-2700, False), (-2699, True), (0, True), (2699, True), (2700, False)],
)
async def test_two_lessons_meet_while_one_may_still_last(
    world: World, community: Ids, after_s: float, clashes: bool
) -> None:
    first = await plan(world, community, 2 * HOUR_S)
    starts_at = (await told(world, first))["starts_at"]
    rooms = [community["room_2"], community["room_3"]]
    found = await ask(world, rooms, 2 * HOUR_S + after_s)
    expected = {
        "lesson_id": first,
        "title": "圆的面积",
        "teacher": "李老师",
        "teacher_id": community["li"],
        "state": "planned",
        "starts_at": starts_at,
        "classroom_id": community["room_2"],
        "place": "河湾小学 2号教室",
    }
    assert found == ([expected] if clashes else [])


async def test_planning_it_all_the_same_both_lessons_say_so(world: World, community: Ids) -> None:
    first = await plan(world, community, HOUR_S)
    rooms = {"lead_classroom_id": community["room_0"], "room_classroom_ids": [community["room_2"]]}
    second = await plan(world, community, HOUR_S + 600, title="分数", **rooms)
    met = {
        each: [(clash["title"], clash["place"]) for clash in (await told(world, each))["clashes"]]
        for each in (first, second)
    }
    assert met == {
        first: [("分数", "实验小学 0号教室"), ("分数", "河湾小学 2号教室")],
        second: [("圆的面积", "实验小学 0号教室"), ("圆的面积", "河湾小学 2号教室")],
    }
    li = await world.signed_in("li")
    later = world.clock() + 3 * HOUR_S
    changed = await li.patch(f"/api/lessons/{second}", json={"starts_at": later})
    assert changed.json()["clashes"] == []
    assert (await told(world, first))["clashes"] == []


async def test_all_times_of_a_series_are_asked_for_at_once(world: World, community: Ids) -> None:
    week_s = 7 * 24 * HOUR_S
    met = await plan(world, community, HOUR_S + 2 * week_s, title="分数")
    between = await plan(world, community, HOUR_S + week_s + 12 * HOUR_S)
    wang = await world.signed_in("wang")
    starts = [world.clock() + HOUR_S + week * week_s for week in range(4)]
    asked: dict[str, Any] = {"classroom": [community["room_1"]], "starts_at": starts}
    found = (await wang.get("/api/lessons/clashes", params=asked)).json()
    assert [(clash["lesson_id"], clash["starts_at"]) for clash in found] == [(met, starts[2])]
    assert between not in {clash["lesson_id"] for clash in found}
    many = await wang.get("/api/lessons/clashes", params={**asked, "starts_at": starts * 8})
    assert (many.status_code, set(many.json()["fields"])) == (422, {"starts_at"})


async def test_a_lesson_that_is_changed_is_not_in_its_own_way(world: World, community: Ids) -> None:
    lesson = await plan(world, community, HOUR_S)
    other = await plan(world, community, HOUR_S + 600, title="分数")
    li, outsider = await world.signed_in("li"), await world.signed_in("outsider")
    asked: dict[str, Any] = {
        "classroom": [community["room_2"]],
        "starts_at": world.clock() + HOUR_S,
        "but": lesson,
    }
    found = (await li.get("/api/lessons/clashes", params=asked)).json()
    assert [clash["lesson_id"] for clash in found] == [other]
    assert (await outsider.get("/api/lessons/clashes", params=asked)).status_code == 404


async def test_a_teacher_is_in_one_place_at_a_time(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """Where two lessons share no classroom, it is the teacher whom both need."""
    body = {"school_id": community["lead_school"], "name": "音乐教室"}
    music = (await post(admin, "/api/classrooms", body))["id"]
    first = await plan(world, community, HOUR_S, room_classroom_ids=[community["room_1"]])
    rooms = {"lead_classroom_id": music, "room_classroom_ids": [community["room_2"]]}
    second = await plan(world, community, HOUR_S + 600, title="分数", **rooms)
    (clash,) = (await told(world, first))["clashes"]
    assert (clash["lesson_id"], clash["teacher_id"]) == (second, community["li"])
    assert (clash["classroom_id"], clash["place"]) == (None, "")
    assert await ask(world, [music], 2 * HOUR_S) == []
    assert [clash["lesson_id"] for clash in await ask(world, [music], HOUR_S)] == [second]


async def test_of_classrooms_that_one_cannot_choose_nothing_is_told(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, HOUR_S)
    asked: dict[str, Any] = {
        "classroom": [community["room_1"]],
        "starts_at": world.clock() + HOUR_S,
    }
    for who, found in (("outsider", []), ("wang", [lesson]), ("admin", [lesson])):
        browser = admin if who == "admin" else await world.signed_in(who)
        answer = await browser.get("/api/lessons/clashes", params=asked)
        assert [clash["lesson_id"] for clash in answer.json()] == found, who


async def test_nobody_fills_the_timetable_with_one_time(world: World, community: Ids) -> None:
    """Each lesson would tell of all the others: 500 of them were 240 MB."""
    lessons = [await plan(world, community, HOUR_S + n) for n in range(MOST_AT_ONCE)]
    other = await plan(world, community, 9 * HOUR_S)
    li = await world.signed_in("li")
    at = world.clock() + HOUR_S
    assert (await li.delete(f"/api/lessons/{lessons[0]}")).status_code == 204
    again = lesson_body(community, starts_at=at)
    tries = [
        await li.post("/api/lessons", json=again),
        await li.post("/api/lessons", json=again),
        await li.patch(f"/api/lessons/{other}", json={"starts_at": at}),
        await li.post(f"/api/lessons/{lessons[0]}/restore"),
    ]
    assert [answer.status_code for answer in tries] == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in tries[1:]} == {"too-many-at-once"}
    told = tries[1].json()["fields"]["starts_at"]
    assert told["zh"].startswith(f"这位老师在这个时间已安排了 {MOST_AT_ONCE} 节课。")
    assert told["en"].startswith(f"This teacher has {MOST_AT_ONCE} lessons at this time already.")
    series = {**again, "starts": [world.clock() + 30 * HOUR_S + n for n in range(9)]}
    del series["starts_at"]
    assert (await li.post("/api/lessons/series", json=series)).status_code == 409
    assert len((await li.get("/api/lessons")).json()) == MOST_AT_ONCE + 1
    one = (await li.get(f"/api/lessons/{lessons[1]}")).json()
    assert len(one["clashes"]) == MOST_TOLD
    moved = await li.patch(f"/api/lessons/{lessons[1]}", json={"starts_at": at + 5})
    assert moved.status_code == 200, "it is in its own way no more than before"


async def test_a_live_lesson_is_in_the_way_until_it_ends(
    world: World, present: Present, community: Ids
) -> None:
    live = await plan(world, community, None)
    assert await ask(world, [community["room_1"]], 2700) == []  # by then it should be over
    world.clock.pass_s(2 * HOUR_S)
    (found,) = await ask(world, [community["room_1"]], None)
    assert found["lesson_id"] == live
    await world.services.lessons.end(live, "by-lead")
    assert await ask(world, [community["room_1"]], None) == []


async def test_cancelled_lessons_and_deleted_rooms_meet_nobody(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, HOUR_S)
    await admin.delete(f"/api/classrooms/{community['room_2']}")
    assert await ask(world, [community["room_2"]], HOUR_S) == []
    await admin.delete(f"/api/lessons/{lesson}")
    assert await ask(world, [community["room_1"]], HOUR_S) == []


async def test_a_lesson_that_waits_for_its_rooms_says_which_lesson_is_there(
    world: World, present: Present, community: Ids
) -> None:
    first = await plan(world, community, None)
    second = await plan(world, community, 600, title="分数")
    present.there[first] = {"lead", "room-1"}
    world.clock.pass_s(600)
    await world.services.lessons.keep_time()
    waits = (await told(world, second))["waits"]
    assert waits["code"] == "classroom-busy"
    assert "实验小学 0号教室" in waits["message_zh"]
    assert "圆的面积" in waits["message_en"]
    await world.services.lessons.end(first, "by-lead")
    await world.services.lessons.keep_time()
    now = await told(world, second)
    assert (now["state"], now["waits"]) == ("live", None)
