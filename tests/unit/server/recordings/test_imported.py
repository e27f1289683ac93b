"""What was imported stands in the library, seen by whom it concerns, whatever it says of itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest

from recorder.exchange.form import LibraryFacts
from recorder.exchange.making import export_recording
from recorder.exchange.sinks import FolderSink
from recorder.exchange.taking import import_recording
from server.recordings.imported import take_in_imported
from server.recordings.leftovers import FILED, find_leftovers
from tests.unit.recorder.exchange.exported import record
from tests.unit.server.recordings.recorded import recorded
from tests.unit.server.world import World

Ids = dict[str, str]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere") / "far1"
    record(folder, seconds=2.0)
    return folder


def came_in(world: World, folder: Path, place: Path, facts: LibraryFacts) -> Path:
    export_recording(folder, FolderSink(place), facts, made_at=0.0, made_by="")
    recordings = world.settings.recordings
    return recordings / import_recording(place, recordings, left_free_bytes=0).recording_id


async def take_in(world: World) -> list[str]:
    services = world.services
    return await take_in_imported(
        services.database, world.settings.recordings, services.store, world.clock
    )


async def test_it_can_be_found_and_played_and_is_taken_in_once(
    world: World, community: Ids, admin: httpx.AsyncClient, elsewhere: Path, tmp_path: Path
) -> None:
    schools = (await admin.get("/api/schools")).json()
    facts = LibraryFacts(
        title="分数", subject="数学", teacher="李", schools=(schools[0]["name"], "远方小学")
    )
    folder = came_in(world, elsewhere, tmp_path / "out", facts)
    assert find_leftovers(world.settings.recordings, world.clock()) == []
    assert await take_in(world) == ["far1"]
    assert await take_in(world) == []
    assert (folder / FILED).is_file()
    found = (await admin.get("/api/recordings", params={"text": "分数 远方"})).json()
    assert [(one["id"], one["lesson_id"], one["state"]) for one in found] == [
        ("far1", None, "ready")
    ]
    whole = (await admin.get("/api/recordings/far1")).json()
    part = whole["parts"][0]["file"]
    media = await admin.get(f"/media/recordings/far1/{part}", headers={"range": "bytes=4-11"})
    assert (media.status_code, media.content) == (206, (elsewhere / part).read_bytes()[4:12])
    library = await admin.get("/media/recordings/far1/library.json")
    assert library.status_code == 404, "what no manifest names is given to nobody"


async def test_who_did_not_sit_in_it_does_not_see_it(
    world: World, community: Ids, admin: httpx.AsyncClient, elsewhere: Path, tmp_path: Path
) -> None:
    came_in(world, elsewhere, tmp_path / "out", LibraryFacts(title="x", schools=("远方小学",)))
    await take_in(world)
    li = await world.signed_in("li")
    assert (await li.get("/api/recordings/far1")).status_code == 404
    assert (await li.get("/api/recordings")).json() == []


async def test_hostile_words_are_what_is_seen_of_them(
    world: World, community: Ids, admin: httpx.AsyncClient, elsewhere: Path, tmp_path: Path
) -> None:
    facts = LibraryFacts(
        title="\x1b[2J\u202e<script>\x00" + "长" * 500,
        subject="\u2066数\n学" * 99,
        teacher="\ufeff",
    )
    came_in(world, elsewhere, tmp_path / "out", facts)
    await take_in(world)
    row = (await admin.get("/api/recordings/far1")).json()
    assert row["title"].startswith("[2J<script>长长")
    assert (len(row["title"]), len(row["subject"]), row["teacher"]) == (120, 60, "")


async def test_what_cannot_be_read_is_left_alone_and_keeps_nobody(
    world: World, community: Ids, admin: httpx.AsyncClient, elsewhere: Path, tmp_path: Path
) -> None:
    torn = came_in(world, elsewhere, tmp_path / "out", LibraryFacts(title="torn"))
    torn = torn.rename(torn.with_name("torn1"))
    (torn / "manifest.json").write_text("{")
    came_in(world, elsewhere, tmp_path / "again", LibraryFacts(title="whole"))
    before = sorted(path.name for path in torn.iterdir())
    assert await take_in(world) == ["far1"]
    assert sorted(path.name for path in torn.iterdir()) == before


async def test_one_that_was_recorded_here_and_lost_its_files_is_the_same_again(
    world: World, community: Ids, admin: httpx.AsyncClient, elsewhere: Path, tmp_path: Path
) -> None:
    name = await recorded(world, community, "far1")
    li = await world.signed_in("li")
    before = (await li.get(f"/api/recordings/{name}")).json()
    shutil.rmtree(world.settings.recordings / name)
    came_in(world, elsewhere, tmp_path / "out", LibraryFacts(title="another title"))
    await take_in(world)
    after = (await li.get(f"/api/recordings/{name}")).json()
    assert (after["title"], after["lesson_id"]) == (before["title"], before["lesson_id"])
    manifest = json.loads((elsewhere / "manifest.json").read_text())
    assert len(after["parts"]) == len(manifest["parts"])
