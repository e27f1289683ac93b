"""Who sees a recording, and which files are given out."""

from __future__ import annotations

import httpx
import pytest

from server.recordings.library import Catalogue
from server.timekeeper import Timekeeper
from tests.unit.server.recordings.recorded import FILM, PART, Ids, manifest, recorded
from tests.unit.server.world import World


async def seen_by(world: World, who: str) -> set[str]:
    browser = await world.signed_in(who)
    return {row["id"] for row in (await browser.get("/api/recordings")).json()}


async def test_a_recording_is_seen_by_who_sat_in_it_then_by_the_region(
    world: World, community: Ids
) -> None:
    await recorded(world, community)
    assert await seen_by(world, "wang") == {"rec1"}
    assert await seen_by(world, "admin") == {"rec1"}
    assert await seen_by(world, "outsider") == set()
    outsider = await world.signed_in("outsider")
    for path in ("/api/recordings/rec1", "/media/recordings/rec1/part-1.mp4"):
        assert (await outsider.get(path)).status_code == 404
    wang, li = await world.signed_in("wang"), await world.signed_in("li")
    body = {"visibility": "region", "title": "圆的面积（公开课）"}
    refused = await wang.patch("/api/recordings/rec1", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not-its-teacher")
    assert (await li.patch("/api/recordings/rec1", json=body)).json()["title"] == body["title"]
    assert await seen_by(world, "outsider") == {"rec1"}
    assert (await outsider.get("/media/recordings/rec1/part-1.mp4")).content == FILM


async def set_partners(admin: httpx.AsyncClient, ids: Ids, *schools: str) -> None:
    body = {"partner_school_ids": [ids[school] for school in schools]}
    answer = await admin.patch(f"/api/communities/{ids['community']}", json=body)
    assert answer.status_code == 200, answer.text


async def test_who_sat_in_a_lesson_keeps_it_and_who_comes_later_sees_nothing_from_before(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    await recorded(world, community, "before")
    alone = {"room_classroom_ids": [community["room_2"]]}
    await recorded(world, community, "without", **alone)  # rural_1 was asked to no seat
    assert await seen_by(world, "wang") == {"before"}

    await set_partners(admin, community, "rural_2", "elsewhere")  # one leaves, another joins
    await recorded(world, community, "after", room_classroom_ids=[community["room_3"]])
    assert await seen_by(world, "wang") == {"before"}
    assert await seen_by(world, "outsider") == {"after"}
    wang, outsider = await world.signed_in("wang"), await world.signed_in("outsider")
    film = "/media/recordings/before/part-1.mp4"
    assert (await wang.get(film)).content == FILM
    assert (await outsider.get(film)).status_code == 404

    # More is the owner's choice: to the schools that are in the community now, no others.
    li = await world.signed_in("li")
    for name in ("before", "without"):
        body = {"visibility": "community"}
        assert (await li.patch(f"/api/recordings/{name}", json=body)).status_code == 200
    assert await seen_by(world, "outsider") == {"before", "without", "after"}
    assert await seen_by(world, "wang") == {"before"}

    # A deleted community hides nothing from those who sat in it.
    path = f"/api/communities/{community['community']}"
    assert (await admin.delete(path)).status_code == 204
    assert await seen_by(world, "wang") == {"before"}
    assert await seen_by(world, "outsider") == {"after"}
    assert await seen_by(world, "li") == {"before", "without", "after"}
    world.clock.pass_s(31 * 86_400)  # and is gone for good
    await Timekeeper(world.services).tick()
    wang = await world.signed_in("wang")
    assert (await wang.get(film)).content == FILM


async def test_files_come_whole_and_in_ranges(world: World, community: Ids) -> None:
    await recorded(world, community)
    li, path = await world.signed_in("li"), "/media/recordings/rec1/part-1.mp4"
    whole = await li.get(path)
    assert (whole.status_code, whole.content) == (200, FILM)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["cache-control"] == "no-store"
    part = await li.get(path, headers={"range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, FILM[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(FILM)}"
    tail = await li.get(path, headers={"range": "bytes=-10"})
    assert tail.content == FILM[-10:]
    assert (await li.get(path, headers={"range": "bytes=99999-"})).status_code == 416
    head = await li.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(FILM))


@pytest.mark.parametrize(
    "name",
    [
        "journal",
        "manifest.json",
        "../other/part-1.mp4",
        "..%2f..%2ftongke.db",
        "%2e%2e/%2e%2e/tongke.db",
        "/etc/passwd",
        "part-1.mp4%00.jpg",
        "",
    ],
)
async def test_no_other_file_is_given_out(world: World, community: Ids, name: str) -> None:
    await recorded(world, community)
    li = await world.signed_in("li")
    answer = await li.get(f"/media/recordings/rec1/{name}")
    assert answer.status_code in {404, 422}


async def test_a_manifest_cannot_lead_out_of_the_folder(world: World, community: Ids) -> None:
    await recorded(world, community)
    (world.settings.recordings / "secret.mp4").write_bytes(b"secret")
    good = manifest(parts=[PART])
    # As an earlier version took it: today's takes no such names.
    out = good.parts[0].model_copy(update={"file": "../secret.mp4"})
    evil = good.model_copy(update={"parts": (out,), "poster": "/etc/passwd"})
    await Catalogue(world.services.pending_writes, world.clock).finished("rec1", evil)
    li = await world.signed_in("li")
    for name in ("..%2fsecret.mp4", "%2fetc%2fpasswd"):
        answer = await li.get(f"/media/recordings/rec1/{name}")
        assert (answer.status_code, answer.json()["code"]) == (409, "manifest-unreadable")


async def test_nobody_unknown_gets_a_file(world: World, community: Ids) -> None:
    await recorded(world, community)
    browser = await world.browser()
    assert (await browser.get("/media/recordings/rec1/part-1.mp4")).status_code == 401
