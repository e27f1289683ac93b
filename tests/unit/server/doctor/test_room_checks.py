"""What rooms found, kept on the server: from their devices alone, for administrators alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from hardware_profiles.doctor.findings import CheckReport
from server.schools.room_checks import FOLDER, MOST_OF_A_ROOM, RoomChecks
from tests.unit.server.world import World, post

Ids = dict[str, str]
SAID = {"zh": "好", "en": "fine"}
FINDING = {"check": "line", "name": SAID, "verdict": "weak", "words": SAID, "todo": SAID}
REPORT: dict[str, Any] = {"side": "room", "made_at": 1.0, "findings": [FINDING]}


async def room(world: World, admin: httpx.AsyncClient, ids: Ids) -> httpx.AsyncClient:
    made = await post(admin, f"/api/classrooms/{ids['room_1']}/credentials", {"label": "PC"})
    pc = await world.browser()
    pc.headers["authorization"] = f"Bearer {made['secret']}"
    return pc


async def test_a_report_comes_from_its_room_and_is_read_by_the_administrator(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    pc = await room(world, admin, community)
    kept = await pc.post("/api/room/checks", json=REPORT)
    assert kept.status_code == 201, kept.text
    listed = (await admin.get(f"/api/classrooms/{community['room_1']}/checks")).json()
    (one,) = listed
    assert (one["id"], one["verdict"], one["faults"]) == (kept.json()["id"], "weak", 1)
    assert one["at"] == pytest.approx(world.clock(), abs=0.01)
    where = f"/api/classrooms/{community['room_1']}/checks/{one['id']}"
    assert (await admin.get(where)).json()["findings"][0]["verdict"] == "weak"
    page = await admin.get(f"{where}/page")
    assert page.headers["content-type"].startswith("text/html")
    assert "青山小学 · 1号教室" in page.text
    # Another classroom has none of it.
    other = f"/api/classrooms/{community['room_2']}/checks"
    assert (await admin.get(other)).json() == []
    assert (await admin.get(f"{other}/{one['id']}")).status_code == 404


WRONG: list[dict[str, Any]] = [
    {"side": "server"},
    {"side": "moon"},
    {"extra": 1},
    {"findings": [FINDING] * 41},
    {"findings": [{**FINDING, "words": {"zh": "x" * 601, "en": ""}}]},
    {"findings": [{**FINDING, "check": "../../x"}]},
    {"findings": [{**FINDING, "figures": {"a": {"b": 1}}}]},
    {"findings": [{**FINDING, "figures": {"a": float("nan")}}]},
    {"findings": [{**FINDING, "figures": {"a": float("-inf")}}]},
    {"findings": [{**FINDING, "figures": {"a": 10**4000}}]},
    {"made_at": 1e300},
]


async def test_what_is_no_report_of_a_room_is_refused(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    pc = await room(world, admin, community)
    for wrong in WRONG:
        body = json.dumps({**REPORT, **wrong})  # NaN and Infinity, too
        headers = {"content-type": "application/json"}
        answer = await pc.post("/api/room/checks", content=body, headers=headers)
        assert answer.status_code == 422, wrong
        assert answer.json()["message_zh"] and answer.json()["message_en"]
    assert not (world.settings.data_folder / FOLDER).exists()


async def test_a_room_keeps_its_last_ten(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    pc = await room(world, admin, community)
    for number in range(MOST_OF_A_ROOM + 3):
        world.clock.pass_s(60)
        await pc.post("/api/room/checks", json={**REPORT, "made_at": float(number)})
    listed = (await admin.get(f"/api/classrooms/{community['room_1']}/checks")).json()
    assert len(listed) == MOST_OF_A_ROOM
    newest = await admin.get(f"/api/classrooms/{community['room_1']}/checks/{listed[0]['id']}")
    assert newest.json()["made_at"] == MOST_OF_A_ROOM + 2


def test_after_a_step_of_the_clock_the_new_report_is_kept(tmp_path: Path) -> None:
    """Those of the future are the last, and would for ever be the ten that stay."""
    checks, report = RoomChecks(tmp_path), CheckReport.model_validate(REPORT)
    for number in range(MOST_OF_A_ROOM):
        checks.keep("room", "c", report, 2e9 + number)
    kept = [checks.keep("room", "c", report, 1e9 + number) for number in range(3)]
    assert all(checks.one("room", one) is not None for one in kept)
    assert len(checks.of("room")) == MOST_OF_A_ROOM


def test_a_name_that_climbs_out_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    checks = RoomChecks(tmp_path)
    assert checks.one("room", "../../x") is None
    assert checks.one("room", "0000000000000-00000000") is None


async def test_the_lines_measure(world: World, admin: httpx.AsyncClient, community: Ids) -> None:
    pc = await room(world, admin, community)
    down = await pc.get("/api/room/line/down?bytes=100001")
    assert len(down.content) == 100_001
    assert (await pc.get("/api/room/line/down?bytes=99000000")).status_code == 422
    assert (await pc.post("/api/room/line/up", content=bytes(131_072))).status_code == 204
    nobody = await world.browser()
    assert (await nobody.get("/api/room/line/down?bytes=1")).status_code == 401
    assert (await nobody.post("/api/room/line/up", content=b"1")).status_code == 401
