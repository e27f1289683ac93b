"""Schools, classrooms, credentials, profiles: every route and its refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from server.ids import secret_hash
from tests.unit.server.world import ORIGIN, World, post, running_world

SCHOOL = {"name": "山村小学", "kind": "rural"}


async def test_schools_are_made_changed_listed(world: World, admin: httpx.AsyncClient) -> None:
    school = await post(admin, "/api/schools", SCHOOL)
    assert school == {"id": school["id"], **SCHOOL}
    changed = await admin.patch(f"/api/schools/{school['id']}", json={"kind": "urban"})
    assert changed.json() == {"id": school["id"], "name": "山村小学", "kind": "urban"}
    assert (await admin.get("/api/schools")).json() == [changed.json()]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "  ", "kind": "rural"}, "name"),
        ({"name": "----", "kind": "rural"}, "name"),
        ({"name": "校" * 121, "kind": "rural"}, "name"),
        ({"name": "a\x00b", "kind": "rural"}, "name"),
        ({"name": "a\nb", "kind": "rural"}, "name"),
        ({"name": 5, "kind": "rural"}, "name"),
        ({"name": "好", "kind": "suburban"}, "kind"),
        ({"name": "好", "kind": "rural", "nmae": "x"}, "nmae"),
    ],
)
async def test_wrong_school_fields_are_named(
    admin: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await admin.post("/api/schools", json=body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid")
    assert told["fields"][field]["zh"]
    assert told["fields"][field]["en"]
    assert (await admin.get("/api/schools")).json() == []


async def test_markup_in_a_name_is_kept_as_text(admin: httpx.AsyncClient) -> None:
    name = '<script>alert(1)</script> & "校"'
    await post(admin, "/api/schools", {"name": name, "kind": "rural"})
    answer = await admin.get("/api/schools")
    assert answer.json()[0]["name"] == name
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("body", [b"{", b"[1, 2", b'{"name": "\xff"}', b""])
async def test_what_is_no_json_is_refused(admin: httpx.AsyncClient, body: bytes) -> None:
    answer = await admin.post(
        "/api/schools", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.json()["message_zh"]


@pytest.mark.parametrize(
    "twin", ["\u200f山村小学", "山村\u200b小学", "山村⼩学", " 山村小学\ufeff"]
)
async def test_names_that_people_read_as_one_are_one(admin: httpx.AsyncClient, twin: str) -> None:
    school = await post(admin, "/api/schools", SCHOOL)
    other = await post(admin, "/api/schools", {"name": "河湾小学", "kind": "rural"})
    room = {"school_id": school["id"], "name": "一班A"}
    await post(admin, "/api/classrooms", room)
    community = {"name": "共同体", "lead_school_id": school["id"]}
    partners = {"partner_school_ids": [other["id"]]}
    await post(admin, "/api/communities", {**community, **partners})
    answers = [
        await admin.post("/api/schools", json={"name": twin, "kind": "rural"}),
        await admin.patch(f"/api/schools/{other['id']}", json={"name": twin}),
        await admin.post("/api/classrooms", json={**room, "name": "ー班Ａ"}),
        await admin.post(
            "/api/communities", json={**community, **partners, "name": "共\u2060同体"}
        ),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")


async def test_what_nobody_sees_is_not_kept(admin: httpx.AsyncClient) -> None:
    school = await post(admin, "/api/schools", {"name": "\u202e山\u200b村\u202c", "kind": "rural"})
    assert school["name"] == "山村"
    unseen = await admin.post("/api/schools", json={"name": "\u200b\u200d", "kind": "rural"})
    assert (unseen.status_code, set(unseen.json()["fields"])) == (422, {"name"})


async def test_a_school_name_is_taken_once(admin: httpx.AsyncClient) -> None:
    await post(admin, "/api/schools", SCHOOL)
    other = await post(admin, "/api/schools", {"name": "河湾小学", "kind": "rural"})
    again = await admin.post("/api/schools", json=SCHOOL)
    assert (again.status_code, again.json()["code"]) == (409, "name-taken")
    renamed = await admin.patch(f"/api/schools/{other['id']}", json={"name": "山村小学"})
    assert (renamed.status_code, set(renamed.json()["fields"])) == (409, {"name"})
    same = await admin.patch(f"/api/schools/{other['id']}", json={"name": "河湾小学"})
    assert same.status_code == 200


async def test_classrooms_are_made_changed_listed(admin: httpx.AsyncClient) -> None:
    school = (await post(admin, "/api/schools", SCHOOL))["id"]
    room = await post(admin, "/api/classrooms", {"school_id": school, "name": "一年级"})
    assert room == {
        "id": room["id"],
        "school_id": school,
        "name": "一年级",
        "profile": "standard",
        "last_seen": None,
        "online": False,
        "devices": 0,
        "copied": False,
    }
    answer = await admin.patch(f"/api/classrooms/{room['id']}", json={"profile": "audio-only"})
    assert answer.json()["profile"] == "audio-only"
    assert (await admin.get("/api/classrooms")).json() == [answer.json()]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"school_id": "nowhere"}, 422, "school_id"),
        ({"profile": "cinema"}, 422, "profile"),
        ({"profile": "../secrets"}, 422, "profile"),
        ({"name": "二年级"}, 409, "name"),
    ],
)
async def test_wrong_classrooms_are_refused(
    admin: httpx.AsyncClient, change: dict[str, str], status: int, field: str
) -> None:
    school = (await post(admin, "/api/schools", SCHOOL))["id"]
    await post(admin, "/api/classrooms", {"school_id": school, "name": "二年级"})
    room = await post(admin, "/api/classrooms", {"school_id": school, "name": "一年级"})
    body = {"school_id": school, "name": "三年级", **change}
    made = await admin.post("/api/classrooms", json=body)
    changed = await admin.patch(f"/api/classrooms/{room['id']}", json=change)
    for answer in (made, changed):
        assert answer.status_code == status
        assert set(answer.json()["fields"]) == {field}


async def test_a_credential_tells_its_secret_once(world: World, admin: httpx.AsyncClient) -> None:
    school = (await post(admin, "/api/schools", SCHOOL))["id"]
    room = (await post(admin, "/api/classrooms", {"school_id": school, "name": "一年级"}))["id"]
    made = await post(admin, f"/api/classrooms/{room}/credentials", {"label": "讲台电脑"})
    assert made["address"] == f"{ORIGIN}/room#credential={made['secret']}"
    listed = (await admin.get(f"/api/classrooms/{room}/credentials")).json()
    assert listed == [
        {
            "id": made["id"],
            "label": "讲台电脑",
            "created_at": world.clock(),
            "last_used_at": None,
            "copied_to": [],
        }
    ]
    async with world.services.database.read() as session:
        kept = str((await session.execute(text("SELECT * FROM credentials"))).all())
    assert made["secret"] not in kept
    assert secret_hash(made["secret"]) in kept


async def test_a_revoked_credential_is_gone(admin: httpx.AsyncClient) -> None:
    school = (await post(admin, "/api/schools", SCHOOL))["id"]
    room = (await post(admin, "/api/classrooms", {"school_id": school, "name": "一年级"}))["id"]
    made = await post(admin, f"/api/classrooms/{room}/credentials", {"label": "电脑"})
    assert (await admin.delete(f"/api/credentials/{made['id']}")).status_code == 204
    assert (await admin.get(f"/api/classrooms/{room}/credentials")).json() == []
    assert (await admin.delete(f"/api/credentials/{made['id']}")).status_code == 404


async def test_profiles_are_listed_with_titles(admin: httpx.AsyncClient) -> None:
    profiles = (await admin.get("/api/profiles")).json()
    assert "standard" in {profile["name"] for profile in profiles}
    assert all(profile["title_zh"] and profile["title_en"] for profile in profiles)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/schools/none"),
        ("DELETE", "/api/schools/none"),
        ("PATCH", "/api/classrooms/none"),
        ("DELETE", "/api/classrooms/none"),
        ("GET", "/api/classrooms/none/credentials"),
        ("DELETE", "/api/credentials/none"),
        ("PATCH", "/api/communities/none"),
        ("DELETE", "/api/communities/none"),
        ("PATCH", "/api/users/none"),
        ("DELETE", "/api/users/none"),
        ("GET", "/api/lessons/none"),
        ("DELETE", "/api/lessons/none"),
        ("POST", "/api/lessons/none/start"),
        ("POST", "/api/lessons/none/end"),
        ("GET", "/api/recordings/none"),
        ("DELETE", "/api/recordings/none"),
        ("GET", "/media/recordings/none/a.mp4"),
        ("POST", "/api/deleted/schools/none/restore"),
        ("GET", "/api/nothing"),
    ],
)
async def test_what_is_not_there_is_not_found(
    admin: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await admin.request(method, path, json={} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.json()["message_zh"]


@pytest.mark.parametrize(
    ("settings", "host", "origin", "reach"),
    [
        ({}, "evil.example", "http://127.0.0.1:7880", "this-machine"),
        (
            {"public_url": "https://t.example.cn", "trusted_proxies": "127.0.0.1"},
            "evil.example",
            "https://t.example.cn",
            "others",
        ),
        (
            {"tls_names": "t.example.cn", "trusted_proxies": "127.0.0.1"},
            "t.example.cn:8443",
            "https://t.example.cn:8443",
            "others",
        ),
        (
            {"tls_names": "t.example.cn", "trusted_proxies": "127.0.0.1"},
            "evil.example",
            "http://127.0.0.1:7880",
            "unknown-name",
        ),
    ],
)
async def test_a_rooms_address_opens_elsewhere_or_says_that_it_does_not(
    tmp_path: Path, settings: dict[str, Any], host: str, origin: str, reach: str
) -> None:
    async with running_world(tmp_path, **settings) as world:
        admin = await world.administrator()
        admin.base_url = httpx.URL(ORIGIN.replace("http:", "https:"))  # as the proxy says
        school = (await post(admin, "/api/schools", SCHOOL))["id"]
        room = (await post(admin, "/api/classrooms", {"school_id": school, "name": "一"}))["id"]
        answer = await admin.post(
            f"/api/classrooms/{room}/credentials", json={"label": "PC"}, headers={"host": host}
        )
    told = answer.json()
    assert told["address"] == f"{origin}/room#credential={told['secret']}"
    assert (told["reach"], told["other_origins"]) == (reach, [])
