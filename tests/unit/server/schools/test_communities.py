"""Communities: one lead school and at most `max_partners` others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.server.world import World, post, running_world


async def schools(admin: httpx.AsyncClient, count: int) -> list[str]:
    return [
        (await post(admin, "/api/schools", {"name": f"第{n}小学", "kind": "rural"}))["id"]
        for n in range(count)
    ]


def body(lead: str, *partners: str, name: str = "青山共同体") -> dict[str, Any]:
    return {"name": name, "lead_school_id": lead, "partner_school_ids": list(partners)}


async def test_a_community_is_made_changed_and_keeps_its_order(admin: httpx.AsyncClient) -> None:
    lead, *others = await schools(admin, 5)
    made = await post(admin, "/api/communities", body(lead, others[2], others[0], others[1]))
    assert made["partner_school_ids"] == [others[2], others[0], others[1]]
    assert made["max_partners"] == 3
    path = f"/api/communities/{made['id']}"
    swapped = await admin.patch(
        path, json={"lead_school_id": others[0], "partner_school_ids": [lead, others[3]]}
    )
    assert swapped.json()["lead_school_id"] == others[0]
    assert swapped.json()["partner_school_ids"] == [lead, others[3]]
    assert (await admin.get("/api/communities")).json() == [swapped.json()]
    renamed = await admin.patch(path, json={"name": "新名"})
    assert renamed.json()["partner_school_ids"] == [lead, others[3]]


@pytest.mark.parametrize(
    ("lead", "partners", "field", "code"),
    [
        (0, [], "partner_school_ids", "invalid"),
        (0, [0], "partner_school_ids", "invalid"),
        (0, [1, 1], "partner_school_ids", "invalid"),
        (0, [1, 2, 3, 4], "partner_school_ids", "too-many-partners"),
        (0, [1, 9], "partner_school_ids", "invalid"),
        (9, [1], "lead_school_id", "invalid"),
    ],
)
async def test_what_is_no_community_is_refused(
    admin: httpx.AsyncClient, lead: int, partners: list[int], field: str, code: str
) -> None:
    known = dict(enumerate(await schools(admin, 5)))
    wrong = body(known.get(lead, "nowhere"), *(known.get(n, "nowhere") for n in partners))
    good = await post(admin, "/api/communities", body(known[0], known[1], name="好"))
    made = await admin.post("/api/communities", json=wrong)
    changed = await admin.patch(f"/api/communities/{good['id']}", json={**wrong, "name": "坏"})
    for answer in (made, changed):
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert set(answer.json()["fields"]) == {field}
    assert (await admin.get("/api/communities")).json() == [good]


async def test_the_limit_of_partners_is_a_setting(tmp_path: Path) -> None:
    async with running_world(tmp_path, max_partners=1) as world:
        admin = await world.administrator()
        lead, first, second = await schools(admin, 3)
        answer = await admin.post("/api/communities", json=body(lead, first, second))
        assert answer.json()["code"] == "too-many-partners"
        assert "1" in answer.json()["fields"]["partner_school_ids"]["zh"]
        await post(admin, "/api/communities", body(lead, first))


async def test_a_community_name_is_taken_once(admin: httpx.AsyncClient, world: World) -> None:
    lead, first = await schools(admin, 2)
    await post(admin, "/api/communities", body(lead, first))
    answer = await admin.post("/api/communities", json=body(lead, first))
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")
