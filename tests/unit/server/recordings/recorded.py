"""A lesson that was recorded: its row, its manifest and its files."""

from __future__ import annotations

from typing import Any

from recorder.manifest import Manifest, manifest_from
from server.recordings.library import Catalogue
from tests.unit.server.world import World, lesson_body, post

Ids = dict[str, str]
PART = {
    "part_id": "p1",
    "seat_id": "lead",
    "source": "teacher",
    "name": "李老师",
    "school": "实验小学",
    "file": "part-1.mp4",
    "mime": "video/mp4",
    "start_s": 0.0,
    "duration_s": 60.0,
    "has_video": True,
    "has_audio": True,
    "codecs": "avc1.42e01f,opus",
    "playlist": "part-1.m3u8",
    "index_bytes": 1000,
    "low": None,
}
FILM = bytes(range(256)) * 8


def manifest(**changes: Any) -> Manifest:
    members = {
        "started_at": 1_800_000_005.0,
        "duration_s": 61.5,
        "poster": "poster.jpg",
        "parts": [PART],
        "events": [{"at": 1_800_000_006.0, "type": "floor_given", "seat_id": "room1"}],
        **changes,
    }
    return manifest_from(members, where="this test")


async def recorded(world: World, ids: Ids, name: str = "rec1", **changes: Any) -> str:
    """A lesson that was recorded, ended and finished, with its files; gives the recording's id."""
    li = await world.signed_in("li")
    lesson = await post(li, "/api/lessons", lesson_body(ids, **changes))
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    await catalogue.added(name, lesson["id"], world.clock())
    await li.post(f"/api/lessons/{lesson['id']}/end")
    await catalogue.finished(name, manifest(started_at=world.clock()))
    folder = world.settings.recordings / name
    folder.mkdir()
    (folder / "part-1.mp4").write_bytes(FILM)
    (folder / "poster.jpg").write_bytes(b"jpg")
    (folder / "journal").write_bytes(b"not for browsers")
    return name
