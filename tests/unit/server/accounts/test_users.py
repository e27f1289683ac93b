"""People: made, changed, deleted; the last administrator stays."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from server.accounts.people import find_user
from tests.unit.server.world import PASSWORD, World, post


def teacher(**changes: Any) -> dict[str, Any]:
    return {
        "username": "zhang",
        "display_name": "张老师",
        "role": "teacher",
        "school_id": None,
        "password": PASSWORD,
        **changes,
    }


async def test_a_teacher_is_made_and_signs_in(world: World, admin: httpx.AsyncClient) -> None:
    made = await post(admin, "/api/users", teacher())
    assert not [name for name in made if name.startswith("password")]
    assert PASSWORD not in str(made)
    browser = await world.signed_in("ＺＨＡＮＧ")  # wide letters, other case: the same name
    assert (await browser.get("/api/session")).json()["user"] == made


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"username": "Admin"}, 409, "username"),
        ({"username": "аdmin"}, 409, "username"),  # a Cyrillic letter
        ({"username": "ad\u200bmin"}, 409, "username"),
        ({"username": "a\u200b"}, 422, "username"),
        ({"username": "\ufdfa" * 64}, 422, "username"),  # 18 letters each, when folded
        ({"username": "a"}, 422, "username"),
        ({"username": "a<b>"}, 422, "username"),
        ({"school_id": "nowhere"}, 422, "school_id"),
        ({"role": "king"}, 422, "role"),
        ({"password": "1234567"}, 422, "password"),
        ({"password": "x" * 129}, 422, "password"),
    ],
)
async def test_wrong_people_are_refused(
    admin: httpx.AsyncClient, change: dict[str, str], status: int, field: str
) -> None:
    made = await post(admin, "/api/users", teacher())
    answers = [
        await admin.post("/api/users", json=teacher(**{"username": "sun", **change})),
        await admin.patch(f"/api/users/{made['id']}", json=change),
    ]
    for answer in answers:
        assert answer.status_code == status
        assert set(answer.json()["fields"]) == {field}


async def test_the_name_is_no_password(admin: httpx.AsyncClient) -> None:
    body = teacher(username="longusername", password="LongUserName")
    answer = await admin.post("/api/users", json=body)
    assert set(answer.json()["fields"]) == {"password"}


async def test_a_new_password_signs_the_person_out(world: World, admin: httpx.AsyncClient) -> None:
    made = await post(admin, "/api/users", teacher())
    browser = await world.signed_in("zhang")
    answer = await admin.patch(f"/api/users/{made['id']}", json={"password": "another one"})
    assert answer.status_code == 200
    assert (await browser.get("/api/session")).json()["user"] is None
    await world.signed_in("zhang", "another one")


async def test_ones_own_new_password_keeps_this_browser(
    world: World, admin: httpx.AsyncClient
) -> None:
    me = (await admin.get("/api/session")).json()["user"]["id"]
    await admin.patch(f"/api/users/{me}", json={"password": "another one"})
    assert (await admin.get("/api/users")).status_code == 200


async def test_a_deleted_person_is_out_at_once(world: World, admin: httpx.AsyncClient) -> None:
    made = await post(admin, "/api/users", teacher())
    browser = await world.signed_in("zhang")
    assert (await admin.delete(f"/api/users/{made['id']}")).status_code == 204
    assert (await browser.get("/api/session")).json()["user"] is None
    answer = await browser.post("/api/session", json={"username": "zhang", "password": PASSWORD})
    assert answer.status_code == 401


async def test_the_last_administrator_stays(world: World, admin: httpx.AsyncClient) -> None:
    me = (await admin.get("/api/session")).json()["user"]["id"]
    answers = [
        await admin.delete(f"/api/users/{me}"),
        await admin.patch(f"/api/users/{me}", json={"role": "teacher"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "last-administrator")
    await post(admin, "/api/users", teacher(username="second", role="administrator"))
    assert (await admin.delete(f"/api/users/{me}")).status_code == 204


async def test_a_school_can_be_taken_from_a_person(
    world: World, admin: httpx.AsyncClient, community: dict[str, str]
) -> None:
    path = f"/api/users/{community['li']}"
    assert (await admin.patch(path, json={"display_name": "李"})).json()["school_id"]
    assert (await admin.patch(path, json={"school_id": None})).json()["school_id"] is None


async def test_a_name_from_before_twins_were_one_still_signs_in(
    world: World, admin: httpx.AsyncClient
) -> None:
    for name in ("мама", "xyz"):
        await post(admin, "/api/users", teacher(username=name))
    async with world.services.database.write() as session:
        old = await find_user(session, "мама")
        assert old is not None
        old.username_key = "мама"  # as it was folded then
        new = await find_user(session, "xyz")
        assert new is not None
        new.username_key = "mama"  # made since: the twin was not seen
    for name, found in (("мама", "мама"), ("mama", "xyz")):
        browser = await world.signed_in(name)
        assert (await browser.get("/api/session")).json()["user"]["username"] == found


async def test_a_sign_in_limit_per_person_forgets_the_oldest(
    world: World, admin: httpx.AsyncClient
) -> None:
    for _ in range(20):
        world.clock.pass_s(1)
        await world.signed_in("admin")
    assert (await admin.get("/api/session")).json()["user"] is None
