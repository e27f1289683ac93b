"""Until it opens a lesson follows its rooms, schools, teacher and profiles; then it is history."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.world import World, lesson_body

Ids = dict[str, str]


async def lesson_now(world: World, lesson_id: str) -> dict[str, Any]:
    li = await world.signed_in("li")
    return dict((await li.get(f"/api/lessons/{lesson_id}")).json())


def words(lesson: dict[str, Any]) -> list[tuple[str, str]]:
    assert lesson["teacher"]["display_name"] == lesson["seats"][0]["name"]
    return [(seat["school"], seat["name"]) for seat in lesson["seats"]]


async def rename_all(admin: httpx.AsyncClient, ids: Ids, mark: str) -> None:
    """The teacher, a school and a room have other names, and the room another profile."""
    for path, change in (
        (f"/api/users/{ids['li']}", {"display_name": f"李{mark}"}),
        (f"/api/schools/{ids['rural_1']}", {"name": f"青山小学{mark}"}),
        (f"/api/classrooms/{ids['room_2']}", {"name": f"教室{mark}", "profile": "old-pc"}),
    ):
        answer = await admin.patch(path, json=change)
        assert answer.status_code == 200, answer.text


async def test_it_follows_until_it_opens_and_stays_then(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, 600)
    desk = world.services.lessons
    usual = await plan(world, {**community}, 86_400)
    await rename_all(admin, community, "甲")
    new = [("实验小学", "李甲"), ("青山小学甲", "1号教室"), ("河湾小学", "教室甲")]
    assert words(await lesson_now(world, lesson)) == new
    world.clock.pass_s(600)
    await desk.keep_time()
    made = await desk.plan(lesson)
    assert made is not None
    assert [(seat.school, seat.name) for seat in made.seats] == new
    sent = {seat.seat_id: seat.profile.name for seat in made.seats}
    assert sent["room-2"] == "old-pc" != sent["room-1"]
    await rename_all(admin, community, "乙")
    assert words(await lesson_now(world, lesson)) == new
    assert words(await lesson_now(world, usual))[0] == ("实验小学", "李乙")
    await desk.end(lesson, "by-lead")
    assert words(await lesson_now(world, lesson)) == new


async def test_a_missed_lesson_keeps_what_it_said(
    world: World, present: Present, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, 60)
    world.clock.pass_s(3700)
    await rename_all(admin, community, "甲")
    await world.services.lessons.keep_time()
    await rename_all(admin, community, "乙")
    assert words(await lesson_now(world, lesson))[0] == ("实验小学", "李甲")


async def test_a_room_that_is_no_more_does_not_come_and_the_lesson_can_be_changed(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, 600)
    room = f"/api/classrooms/{community['room_1']}"
    assert (await admin.delete(room)).status_code == 204
    li = await world.signed_in("li")
    path = f"/api/lessons/{lesson}"
    seats = (await lesson_now(world, lesson))["seats"]
    assert [(seat["classroom_id"], seat["gone"]) for seat in seats] == [
        (community["room_0"], False),
        (None, True),
        (community["room_2"], False),
    ]
    later = world.clock() + 1200
    for change in ({"title": "新标题"}, {"starts_at": later}, {"record": False}):
        changed = await li.patch(path, json=change)
        assert changed.status_code == 200, changed.text
    assert (changed.json()["title"], changed.json()["starts_at"]) == ("新标题", later)
    started = (await li.post(f"{path}/start")).json()
    assert [seat["seat_id"] for seat in started["seats"]] == ["lead", "room-2"]


async def test_a_room_that_is_restored_in_time_comes(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, 600)
    await admin.delete(f"/api/classrooms/{community['room_1']}")
    await admin.post(f"/api/deleted/classrooms/{community['room_1']}/restore")
    li = await world.signed_in("li")
    started = (await li.post(f"/api/lessons/{lesson}/start")).json()
    assert len(started["seats"]) == 3


async def test_without_any_room_it_does_not_open(
    world: World, present: Present, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, 600, room_classroom_ids=[community["room_1"]])
    await admin.delete(f"/api/classrooms/{community['room_1']}")
    world.clock.pass_s(600)
    await world.services.lessons.keep_time()
    told = await lesson_now(world, lesson)
    assert (told["state"], told["waits"]["code"]) == ("planned", "no-rooms")
    li = await world.signed_in("li")
    rooms = {"room_classroom_ids": [community["room_2"]]}
    assert (await li.patch(f"/api/lessons/{lesson}", json=rooms)).status_code == 200
    await world.services.lessons.keep_time()
    assert (await lesson_now(world, lesson))["state"] == "live"


async def test_rooms_of_a_school_that_left_do_not_come_and_are_not_added(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson = await plan(world, community, 600)
    path = f"/api/communities/{community['community']}"
    await admin.patch(path, json={"partner_school_ids": [community["rural_2"]]})
    li = await world.signed_in("li")
    both = {"room_classroom_ids": [community["room_2"], community["room_1"]]}
    refused = await li.patch(f"/api/lessons/{lesson}", json=both)
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["room_classroom_ids"])
    changed = await li.patch(f"/api/lessons/{lesson}", json={"title": "新标题"})
    assert [seat["gone"] for seat in changed.json()["seats"]] == [False, True, False]
    started = (await li.post(f"/api/lessons/{lesson}/start")).json()
    assert [seat["seat_id"] for seat in started["seats"]] == ["lead", "room-2"]


@pytest.mark.parametrize(("ago_s", "status"), [(0, 201), (60, 201), (61, 422), (86_400, 422)])
async def test_nothing_is_planned_into_the_past(
    world: World, community: Ids, ago_s: float, status: int
) -> None:
    li = await world.signed_in("li")
    body = lesson_body(community, starts_at=world.clock() - ago_s)
    answer = await li.post("/api/lessons", json=body)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert set(answer.json()["fields"]) == {"starts_at"}


async def test_nothing_is_moved_into_the_past(world: World, community: Ids) -> None:
    lesson = await plan(world, community, 600)
    li = await world.signed_in("li")
    path = f"/api/lessons/{lesson}"
    refused = await li.patch(path, json={"starts_at": world.clock() - 61})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["starts_at"])
    world.clock.pass_s(700)  # its own time, which is over now, may be said again
    same = await li.patch(path, json={"title": "新", "starts_at": world.clock() - 100})
    assert same.status_code == 200, same.text
