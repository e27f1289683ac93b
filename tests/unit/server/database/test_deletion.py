"""Deletions are undone for thirty days, whole, or refused with the reason."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.server.world import World, lesson_body, post

Ids = dict[str, str]


async def restore(admin: httpx.AsyncClient, kind: str, row_id: str) -> httpx.Response:
    return await admin.post(f"/api/deleted/{kind}/{row_id}/restore")


async def ids_of(admin: httpx.AsyncClient, path: str) -> set[str]:
    return {row["id"] for row in (await admin.get(path)).json()}


async def test_a_school_goes_and_comes_back_with_its_classrooms(
    admin: httpx.AsyncClient, community: Ids
) -> None:
    school, room = community["elsewhere"], community["room_3"]
    body = {"school_id": school, "name": "早已删除"}
    earlier = (await post(admin, "/api/classrooms", body))["id"]
    assert (await admin.delete(f"/api/classrooms/{earlier}")).status_code == 204
    assert (await admin.delete(f"/api/schools/{school}")).status_code == 204
    assert school not in await ids_of(admin, "/api/schools")
    assert room not in await ids_of(admin, "/api/classrooms")
    people = {row["id"]: row for row in (await admin.get("/api/users")).json()}
    assert people[community["outsider"]]["school_id"] is None
    assert (await restore(admin, "schools", school)).status_code == 200
    assert school in await ids_of(admin, "/api/schools")
    rooms = await ids_of(admin, "/api/classrooms")
    assert room in rooms
    people = {row["id"]: row for row in (await admin.get("/api/users")).json()}
    assert people[community["outsider"]]["school_id"] == school


async def test_a_school_in_a_community_is_kept(admin: httpx.AsyncClient, community: Ids) -> None:
    for school in ("lead_school", "rural_1"):
        answer = await admin.delete(f"/api/schools/{community[school]}")
        assert (answer.status_code, answer.json()["code"]) == (409, "in-use")
        assert "青山共同体" in answer.json()["message_zh"]


@pytest.mark.parametrize(
    ("kind", "key"),
    [("classrooms", "room_1"), ("communities", "community"), ("users", "wang")],
)
async def test_each_kind_comes_back(
    admin: httpx.AsyncClient, community: Ids, kind: str, key: str
) -> None:
    row = community[key]
    before = (await admin.get(f"/api/{kind}")).json()
    assert (await admin.delete(f"/api/{kind}/{row}")).status_code == 204
    assert (await admin.delete(f"/api/{kind}/{row}")).status_code == 404
    listed = (await admin.get("/api/deleted")).json()
    assert [(each["kind"], each["id"]) for each in listed] == [(kind, row)]
    assert (await restore(admin, kind, row)).json() == {"kind": kind, "id": row}
    assert (await admin.get(f"/api/{kind}")).json() == before
    assert (await restore(admin, kind, row)).status_code == 404


async def test_a_lesson_comes_back(world: World, admin: httpx.AsyncClient, community: Ids) -> None:
    li = await world.signed_in("li")
    body = lesson_body(community, starts_at=world.clock() + 3600)
    lesson = await post(li, "/api/lessons", body)
    assert (await li.delete(f"/api/lessons/{lesson['id']}")).status_code == 204
    assert (await li.get("/api/lessons")).json() == []
    assert (await restore(admin, "lessons", lesson["id"])).status_code == 200
    assert (await li.get("/api/lessons")).json() == [lesson]


@pytest.mark.parametrize("kind", ["schools", "communities", "users"])
async def test_a_name_taken_since_is_not_taken_back(
    admin: httpx.AsyncClient, community: Ids, kind: str
) -> None:
    school = {"name": "远方小学", "kind": "rural"}
    circle = {
        "name": "青山共同体",
        "lead_school_id": community["lead_school"],
        "partner_school_ids": [community["rural_1"]],
    }
    person = {
        "username": "WANG",
        "display_name": "另一位王老师",
        "role": "teacher",
        "password": "another password",
    }
    rows: dict[str, tuple[str, dict[str, Any]]] = {
        "schools": (community["elsewhere"], school),
        "communities": (community["community"], circle),
        "users": (community["wang"], person),
    }
    row, twin = rows[kind]
    await admin.delete(f"/api/{kind}/{row}")
    await post(admin, f"/api/{kind}", twin)
    answer = await restore(admin, kind, row)
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")
    assert row not in await ids_of(admin, f"/api/{kind}")


async def test_a_community_without_its_schools_stays_deleted(
    admin: httpx.AsyncClient, community: Ids
) -> None:
    await admin.delete(f"/api/communities/{community['community']}")
    await admin.delete(f"/api/schools/{community['rural_1']}")
    answer = await restore(admin, "communities", community["community"])
    assert (answer.status_code, answer.json()["code"]) == (409, "school-deleted")
    await restore(admin, "schools", community["rural_1"])
    assert (await restore(admin, "communities", community["community"])).status_code == 200


async def test_a_classroom_of_a_deleted_school_stays_deleted(
    admin: httpx.AsyncClient, community: Ids
) -> None:
    await admin.delete(f"/api/classrooms/{community['room_3']}")
    await admin.delete(f"/api/schools/{community['elsewhere']}")
    answer = await restore(admin, "classrooms", community["room_3"])
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"school_id"})


async def test_an_unknown_kind_is_refused(admin: httpx.AsyncClient) -> None:
    answer = await restore(admin, "sign_ins", "x")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
