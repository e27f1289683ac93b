"""What a waiting room says of its camera, sound and line, and who is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from server.lessons.readiness import (
    DeviceReadiness,
    LineReadiness,
    ReadinessBoard,
    RoomReadiness,
)
from signaling.turn import CREDENTIAL_S, TurnServers
from tests.unit.server.lessons.test_room import ask, device
from tests.unit.server.world import World, lesson_body, post, running_world

Ids = dict[str, str]
SAID = {"camera": "black", "sound": "ready", "line": "ready", "rtt_ms": 12.5}


def said(camera: str, sound: str, line: str, rtt_ms: float | None = None) -> RoomReadiness:
    return RoomReadiness(
        DeviceReadiness(camera), DeviceReadiness(sound), LineReadiness(line), rtt_ms
    )


def test_what_was_said_is_news_for_a_while() -> None:
    board = ReadinessBoard()
    board.tell("k1", "pc", said("ready", "silent", "slow", 900), 0.0)
    assert board.of("k1", 35.0) == said("ready", "silent", "slow", 900)
    assert board.of("k2", 0.0) is None
    assert board.of("k1", 35.1) is None
    assert board._told == {}


def test_of_a_rooms_devices_the_best_counts() -> None:
    board = ReadinessBoard()
    board.tell("k1", "pc", said("black", "ready", "slow", 700), 0.0)
    board.tell("k1", "tablet", said("ready", "off", "ready", 40), 1.0)
    assert board.of("k1", 2.0) == said("ready", "ready", "ready", 40)
    board.tell("k1", "pc", said("black", "denied", "blocked"), 30.0)
    assert board.of("k1", 40.0) == said("black", "denied", "blocked")  # the tablet has gone


async def tell(
    world: World, headers: dict[str, str], body: dict[str, Any] | None = None
) -> httpx.Response:
    only = {"authorization": headers["authorization"]}
    pc = await world.browser()
    return await pc.post("/api/room/readiness", headers=only, json=body or SAID)


async def test_the_teacher_sees_how_each_room_is_before_the_bell(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    li = await world.signed_in("li")
    body = lesson_body(community, starts_at=world.clock() + 600)
    path = f"/api/lessons/{(await post(li, '/api/lessons', body))['id']}/readiness"
    room = await device(admin, community["room_1"])
    await ask(await world.browser(), room)
    assert (await tell(world, room)).status_code == 204
    rows = {row["seat_id"]: row for row in (await li.get(path)).json()}
    assert rows["room-1"] == {
        "seat_id": "room-1",
        "classroom_id": community["room_1"],
        "online": True,
        "readiness": SAID,
    }
    assert (rows["room-2"]["online"], rows["room-2"]["readiness"]) == (False, None)
    world.clock.pass_s(40)
    rows = {row["seat_id"]: row for row in (await li.get(path)).json()}
    assert (rows["room-1"]["online"], rows["room-1"]["readiness"]) == (False, None)
    stranger = await world.signed_in("outsider")
    assert (await stranger.get(path)).status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"camera": "fine"}, {"line": "lost"}, {"rtt_ms": -1}, {"rtt_ms": 1e9}, {"x": 1}],
)
async def test_nonsense_is_refused(
    world: World, admin: httpx.AsyncClient, community: Ids, change: dict[str, Any]
) -> None:
    room = await device(admin, community["room_1"])
    assert (await tell(world, room, {**SAID, **change})).status_code == 422
    assert (await tell(world, {"authorization": "Bearer tkr_no"})).status_code == 401


async def test_a_room_is_told_what_it_sends_and_whether_it_looks_at_its_devices(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    room = await device(admin, community["room_1"])
    pc = await world.browser()
    pc.headers["authorization"] = room["authorization"]
    told = (await pc.get("/api/room/profile")).json()
    assert told["checks_devices"] is True
    assert [one["source"] for one in told["sends"]["sources"]][:2] == ["room", "students"]
    assert (await (await world.browser()).get("/api/room/profile")).status_code == 401


async def test_a_room_is_told_by_what_to_try_its_line(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    room = await device(admin, community["room_1"])
    pc = await world.browser()
    assert (await pc.get("/api/room/line")).status_code == 401
    pc.headers["authorization"] = room["authorization"]
    assert (await pc.get("/api/room/line")).json() == {
        **{"ufrag": "ufragufr", "password": "p" * 24, "ice_servers": []},
        "udp": [{"host": "10.0.0.9", "port": 7881}],
        "tcp": [{"host": "10.0.0.9", "port": 7882}],
    }
    turn = TurnServers(("turn:relay.example:3478?transport=tcp",), b"secret")
    world.app.state.services = replace(world.services, turn=turn)
    (relay,) = (await pc.get("/api/room/line")).json()["ice_servers"]
    assert relay["urls"] == ["turn:relay.example:3478?transport=tcp"]
    assert relay["username"].partition(":")[0] == str(int(world.clock()) + CREDENTIAL_S)


async def test_a_county_may_leave_devices_closed_until_the_lesson(tmp_path: Any) -> None:
    async with running_world(tmp_path, room_checks_devices=False) as world:
        admin = await world.administrator()
        room = await device(admin, (await world.community(admin))["room_1"])
        pc = await world.browser()
        pc.headers["authorization"] = room["authorization"]
        assert (await pc.get("/api/room/profile")).json()["checks_devices"] is False
