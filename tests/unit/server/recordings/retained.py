"""A recording that a rule of its community can be tried on, and what a test does with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import httpx

from recorder.checksums import checksum_of
from recorder.manifest import manifest_from, write_manifest
from recorder.recording_folder import JOURNAL
from server.database.deletion import DAY_S
from server.recordings.library import Catalogue
from server.timekeeper import Timekeeper
from tests.unit.server.recordings.faulty_objects import ONE_FILE
from tests.unit.server.recordings.recorded import Ids, recorded
from tests.unit.server.world import World

UNDO_S = 30 * DAY_S
PROGRAM = ONE_FILE | {
    "part_id": "p2",
    "seat_id": "program",
    "source": "program",
    "file": "part-2.mp4",
}
SEATS_FILM, PROGRAM_FILM = b"seats" * 300_000, b"program" * 200_000


async def a_recording(world: World, ids: Ids, *, program: bool = True, name: str = "rec1") -> Path:
    """One that is finished, proved by its checksums; its folder."""
    await recorded(world, ids, name)
    folder = world.settings.recordings / name
    (folder / "part-1.mp4").write_bytes(SEATS_FILM)
    (folder / JOURNAL).write_bytes(b"")
    names = ["part-1.mp4", "poster.jpg"]
    if program:
        (folder / "part-2.mp4").write_bytes(PROGRAM_FILM)
        names.append("part-2.mp4")
    members = {
        "recording_id": name,
        "started_at": world.clock(),
        "duration_s": 60.0,
        "poster": "poster.jpg",
        "parts": [ONE_FILE, *([PROGRAM] if program else [])],
        "checksums": [checksum_of(folder / one).model_dump() for one in names],
    }
    made = manifest_from(members, where="this test")
    write_manifest(folder, made)
    await Catalogue(world.services.pending_writes, world.clock).finished(name, made)
    return folder


async def rule(admin: httpx.AsyncClient, ids: Ids, **changes: Any) -> None:
    said = await admin.patch(f"/api/communities/{ids['community']}", json=changes)
    assert said.status_code == 200, said.text


async def a_month_later(world: World) -> httpx.AsyncClient:
    """What could come back has gone; a browser that is signed in anew."""
    world.clock.pass_s(UNDO_S)
    await sweep(world)
    return await world.signed_in("admin")


async def told(admin: httpx.AsyncClient, days: int = 3660) -> dict[str, Any]:
    found: dict[str, Any] = (await admin.get("/api/admin/archive", params={"days": days})).json()
    return found


async def sweep(world: World) -> None:
    world.clock.pass_s(3601.0)
    await Timekeeper(world.services).tick()


async def a_due_recording(world: World, admin: httpx.AsyncClient, ids: Ids, retention: str) -> Path:
    """Its rule's one day is over, and nothing has been done for it yet."""
    folder = await a_recording(world, ids)
    await rule(admin, ids, retention=retention, retention_days=1)
    world.clock.pass_s(2 * DAY_S)
    return folder


async def a_judged_recording(
    world: World, admin: httpx.AsyncClient, ids: Ids, retention: str
) -> Path:
    """What its rule asks for has been done."""
    folder = await a_due_recording(world, admin, ids, retention)
    await sweep(world)
    return folder


class Killed(BaseException):
    """The process ends here."""


def dies(*_: Any, **__: Any) -> NoReturn:
    raise Killed
