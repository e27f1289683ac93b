"""What a room device is told, and who is let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from signaling.protocol.messages import Role
from tests.unit.server.world import World, lesson_body, post, running_world

Ids = dict[str, str]


async def device(admin: httpx.AsyncClient, classroom_id: str) -> dict[str, str]:
    made = await post(admin, f"/api/classrooms/{classroom_id}/credentials", {"label": "电脑"})
    return {"authorization": f"Bearer {made['secret']}", "id": made["id"]}


async def ask(browser: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    only = {"authorization": headers["authorization"]}
    return await browser.get("/api/room", headers=only)


async def test_a_room_waits_then_joins_then_waits_again(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    room, pc = await device(admin, community["room_1"]), await world.browser()
    answer = (await ask(pc, room)).json()
    assert answer["classroom"] == {
        "id": community["room_1"],
        "name": "1号教室",
        "school": "青山小学",
        "profile": "standard",
    }
    assert (answer["lesson"], answer["token"], answer["next"]) == (None, None, None)
    assert answer["poll_after_s"] == world.settings.room_poll_s

    li = await world.signed_in("li")
    body = lesson_body(community, starts_at=world.clock() + 3600)
    lesson = await post(li, "/api/lessons", body)
    answer = (await ask(pc, room)).json()
    assert (answer["lesson"], answer["token"]) == (None, None)
    assert answer["next"]["id"] == lesson["id"]

    await li.post(f"/api/lessons/{lesson['id']}/start")
    answer = (await ask(pc, room)).json()
    assert (answer["lesson"]["id"], answer["next"]) == (lesson["id"], None)
    identity = world.services.tokens.verify(answer["token"], world.clock())
    assert (identity.seat_id, identity.role, identity.name) == ("room-1", Role.ROOM, "1号教室")

    await li.post(f"/api/lessons/{lesson['id']}/end")
    answer = (await ask(pc, room)).json()
    assert (answer["lesson"], answer["token"]) == (None, None)


async def test_the_lead_classrooms_device_gets_the_leads_seat(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    room = await device(admin, community["room_0"])
    await post(await world.signed_in("li"), "/api/lessons", lesson_body(community))
    token = (await ask(await world.browser(), room)).json()["token"]
    identity = world.services.tokens.verify(token, world.clock())
    assert (identity.seat_id, identity.role) == ("lead", Role.LEAD)


async def test_a_room_that_asks_is_online_and_seen(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    room = await device(admin, community["room_1"])
    await ask(await world.browser(), room)

    async def state() -> tuple[bool, float | None]:
        rooms = (await admin.get("/api/classrooms")).json()
        found = next(each for each in rooms if each["id"] == community["room_1"])
        return found["online"], found["last_seen"]

    seen_at = world.clock()
    assert await state() == (True, seen_at)
    world.clock.pass_s(20)
    assert await state() == (False, seen_at)
    credentials = await admin.get(f"/api/classrooms/{community['room_1']}/credentials")
    assert credentials.json()[0]["last_used_at"] == seen_at


@pytest.mark.parametrize("set_on", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_makes_no_room_come_or_go(
    world: World, admin: httpx.AsyncClient, community: Ids, set_on: float
) -> None:
    room, pc = await device(admin, community["room_1"]), await world.browser()
    await ask(pc, room)
    world.clock.set_on(set_on)
    assert await world.services.rooms.online() == {community["room_1"]}
    world.clock.pass_s(61)
    assert await world.services.rooms.online() == set()
    await ask(pc, room)
    credentials = await admin.get(f"/api/classrooms/{community['room_1']}/credentials")
    assert credentials.json()[0]["last_used_at"] == world.clock()


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "credential-missing"),
        ("Basic abc", "credential-missing"),
        ("Bearer ", "credential-missing"),
        ("Bearer " + "x" * 300, "credential-missing"),
        ("Bearer tkr_wrong", "credential-refused"),
    ],
)
async def test_without_a_good_credential_nothing_is_told(
    world: World, community: Ids, header: str | None, code: str
) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = await (await world.browser()).get("/api/room", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert "Bearer" in answer.headers["www-authenticate"]


async def test_revoked_credentials_and_deleted_classrooms_are_out(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    revoked = await device(admin, community["room_1"])
    deleted = await device(admin, community["room_2"])
    pc = await world.browser()
    await admin.delete(f"/api/credentials/{revoked['id']}")
    await admin.delete(f"/api/classrooms/{community['room_2']}")
    for room in (revoked, deleted):
        assert (await ask(pc, room)).json()["code"] == "credential-refused"


async def test_a_revoked_device_does_not_shut_out_its_neighbours(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    good = await device(admin, community["room_1"])
    pc = await world.browser("10.7.7.7")  # the school's one address
    codes = set()
    for _ in range(8):
        answer = await ask(pc, {"authorization": "Bearer tkr_revoked"})
        codes.add(answer.status_code)
    assert codes == {401, 429}
    assert (await ask(pc, good)).status_code == 200


async def test_a_person_is_no_room(world: World, admin: httpx.AsyncClient) -> None:
    assert (await admin.get("/api/room")).status_code == 401


async def test_a_restart_keeps_the_lesson_live(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        admin = await world.administrator()
        ids = await world.community(admin)
        room = await device(admin, ids["room_1"])
        lesson = await post(await world.signed_in("li"), "/api/lessons", lesson_body(ids))
        before = (await ask(await world.browser(), room)).json()
    async with running_world(tmp_path) as world:
        answer = (await ask(await world.browser(), room)).json()
        assert answer["lesson"]["id"] == lesson["id"]
        # the key is kept: what was issued before the restart still opens the door
        world.services.tokens.verify(before["token"], world.clock())


async def test_a_room_agents_timetable_and_a_credential_on_two_machines(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """Told to both machines, to the administrator, and nobody is put out."""
    room, pc = await device(admin, community["room_1"]), await world.browser()
    li = await world.signed_in("li")
    starts = [world.clock() + 7200, world.clock() + 3600]
    for at in starts:
        await post(li, "/api/lessons", lesson_body(community, starts_at=at))

    async def timetable(run: str) -> dict[str, Any]:
        headers = {"authorization": room["authorization"], "tongke-run": run}
        return dict((await pc.get("/api/room/timetable", headers=headers)).json())

    told = await timetable("first")
    assert [one["starts_at"] for one in told["lessons"]] == sorted(starts)
    assert told["server_time"] == world.clock() and told["copied"] is None
    address = f"/api/classrooms/{community['room_1']}"
    for run in ("second", "second", "first", "second"):
        assert (await timetable(run))["copied"] is None or run == "second"
    for run in ("first", "second"):
        copied = (await timetable(run))["copied"]
        assert "另一台机器" in copied["message_zh"] and "another machine" in copied["message_en"]
    (listed,) = (await admin.get(f"{address}/credentials")).json()
    assert listed["copied_to"] == ["10.0.0.1"]
    rooms = {one["id"]: one["copied"] for one in (await admin.get("/api/classrooms")).json()}
    assert [one for one, copied in rooms.items() if copied] == [community["room_1"]]
