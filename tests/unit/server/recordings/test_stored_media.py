"""A film that lies in an object store is given out as one that lies here: whole or by ranges."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx
import pytest

from recorder.manifest import write_manifest
from server.recordings.object_store import ObjectStore
from server.recordings.uploading import Uploads
from tests.unit.server.recordings import faulty_objects, recorded
from tests.unit.server.world import World

Ids = dict[str, str]
PIECE = 300_000
FILM = recorded.FILM * 600  # more than is kept here, and no whole number of pieces
END = len(FILM)


@pytest.fixture
async def li(world: World, community: Ids) -> httpx.AsyncClient:
    """In whose library is a film that lies elsewhere."""
    name = await recorded.recorded(world, community)
    folder = world.settings.recordings / name
    (folder / "part-1.mp4").write_bytes(FILM)
    write_manifest(folder, recorded.manifest(parts=[faulty_objects.ONE_FILE]))
    objects = faulty_objects.FaultyObjects()
    uploads = Uploads(objects, world.settings.recordings, spool_bytes=1 << 40, piece_bytes=PIECE)
    store = ObjectStore(objects, world.settings.recordings, uploads)
    world.app.state.services = dataclasses.replace(world.services, store=store)
    await uploads.send(name)
    assert not (folder / "part-1.mp4").exists()
    return await world.signed_in("li")


ADDRESS = "/media/recordings/rec1/part-1.mp4"


# What is asked for, and what is answered: how, from where, up to where.
RANGES = [
    ("", 200, 0, END),
    ("bytes=0-", 206, 0, END),
    ("bytes=0-0", 206, 0, 1),
    (f"bytes={PIECE - 2}-{PIECE + 2}", 206, PIECE - 2, PIECE + 3),
    ("bytes=-5", 206, END - 5, END),
    (f"bytes=-{END * 2}", 206, 0, END),
    (f"bytes=7-{END * 2}", 206, 7, END),
    ("bytes=0-1,5-6", 200, 0, END),
    ("bytes=-", 200, 0, END),
    ("pieces=0-1", 200, 0, END),
]


async def test_a_range_is_what_stands_there(li: httpx.AsyncClient) -> None:
    for asked, status, begin, end in RANGES:
        headers: dict[str, Any] = {"range": asked} if asked else {}
        said = await li.get(ADDRESS, headers=headers)
        assert (said.status_code, said.content) == (status, FILM[begin:end]), asked
        assert said.headers["content-length"] == str(end - begin)
        assert said.headers["content-type"] == "video/mp4"
        assert said.headers["cache-control"] == "no-store"
        if status == 206:
            assert said.headers["content-range"] == f"bytes {begin}-{end - 1}/{END}"
        head = await li.head(ADDRESS, headers=headers)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["content-length"] == str(end - begin)
    for asked in (f"bytes={END}-", "bytes=9-3", "bytes=-0"):
        said = await li.get(ADDRESS, headers={"range": asked})
        assert (said.status_code, said.headers["content-range"]) == (416, f"bytes */{END}")


async def test_others_are_given_nothing(world: World, li: httpx.AsyncClient) -> None:
    stranger = await world.browser()
    assert (await stranger.get(ADDRESS)).status_code == 401
    assert (await li.get("/media/recordings/rec1/journal.jsonl")).status_code == 404
    assert (await li.get("/media/recordings/rec1/.stored.json")).status_code == 404
