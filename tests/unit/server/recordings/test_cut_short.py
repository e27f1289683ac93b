"""A server that was killed between files and rows: nothing is lost, and what was begun is done."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from recorder.exchange.form import LIBRARY
from recorder.manifest import read_manifest
from recorder.put_aside import WHOLE, bring_back, put_aside
from recorder.recording_folder import JOURNAL
from recorder.verification import ArchiveCondition, verify
from server.database.models import Recording
from server.recordings.leftovers import FILED, find_leftovers
from server.recordings.store import FolderStore
from tests.unit.server.recordings.recorded import Ids
from tests.unit.server.recordings.retained import (
    PROGRAM_FILM,
    SEATS_FILM,
    UNDO_S,
    Killed,
    a_due_recording,
    a_judged_recording,
    a_month_later,
    a_recording,
    dies,
    sweep,
    told,
)
from tests.unit.server.world import World


def parts_in(folder: Path) -> set[str]:
    manifest = read_manifest(folder)
    assert manifest is not None
    return {part.file for part in manifest.parts}


async def row_of(world: World) -> Recording | None:
    async with world.services.database.read() as session:
        return await session.get(Recording, "rec1")


async def test_what_its_row_does_not_call_put_aside_is_whole_again(
    world: World, community: Ids
) -> None:
    """An export of it would have held the program alone; meanwhile no rule asks for it any more."""
    folder = await a_recording(world, community)
    put_aside(folder)
    assert parts_in(folder) == {"part-2.mp4"}
    await sweep(world)
    assert parts_in(folder) == {"part-1.mp4", "part-2.mp4"}
    assert not (folder / WHOLE).exists()
    assert verify(folder).condition is ArchiveCondition.WHOLE
    assert (folder / "part-1.mp4").read_bytes() == SEATS_FILM


async def test_what_its_rule_still_asks_for_is_put_aside_after_all(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_due_recording(world, admin, community, "program")
    put_aside(folder)
    await sweep(world)
    assert parts_in(folder) == {"part-2.mp4"}
    row = await row_of(world)
    assert row is not None
    assert row.put_aside_at is not None


async def test_what_was_brought_back_before_its_row_said_so_stays(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    folder = await a_judged_recording(world, admin, community, "program")
    assert parts_in(folder) == {"part-2.mp4"}
    bring_back(folder)
    await sweep(world)
    row = await row_of(world)
    assert row is not None
    assert (row.put_aside_at, row.spared) == (None, True)
    assert row.size_bytes == len(SEATS_FILM) + len(PROGRAM_FILM) + 3
    await a_month_later(world)
    assert (folder / "part-1.mp4").read_bytes() == SEATS_FILM
    assert verify(folder).condition is ArchiveCondition.WHOLE


async def removed_in_the_library_alone(
    world: World, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, community: Ids
) -> Path:
    """Its time is over, its row is gone, and the server is killed before its files are."""
    folder = await a_recording(world, community)
    (folder / FILED).touch()
    assert (await admin.delete("/api/recordings/rec1")).status_code == httpx.codes.NO_CONTENT
    world.clock.pass_s(UNDO_S)
    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "remove", dies)
        with pytest.raises(Killed):
            await sweep(world)
    assert await row_of(world) is None
    assert (folder / "part-1.mp4").is_file()
    return folder


async def test_a_removal_that_was_cut_short_is_done(
    world: World, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, community: Ids
) -> None:
    folder = await removed_in_the_library_alone(world, admin, monkeypatch, community)
    await sweep(world)
    assert not folder.exists()


async def test_a_removal_that_was_cut_short_in_the_middle_brings_nothing_back(
    world: World, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, community: Ids
) -> None:
    """Its mark had gone and its journal not: the next start made a recording of what was left."""
    folder = await removed_in_the_library_alone(world, admin, monkeypatch, community)
    (folder / LIBRARY).write_text("{}")
    with monkeypatch.context() as patched:
        patched.setattr("server.recordings.places.shutil.rmtree", dies)
        with pytest.raises(Killed):
            await sweep(world)
    (folder / FILED).unlink()
    assert find_leftovers(folder.parent, 0.0) == []
    assert not (folder / JOURNAL).exists()
    assert not (folder / LIBRARY).exists()
    await sweep(world)
    assert not folder.exists()


async def test_what_was_imported_after_the_removal_stays(
    world: World, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, community: Ids
) -> None:
    folder = await removed_in_the_library_alone(world, admin, monkeypatch, community)
    later = world.clock() + 5
    os.utime(folder / "part-1.mp4", (later, later))
    await sweep(world)
    assert (folder / "part-1.mp4").is_file()


async def test_a_folder_that_nobody_knows_is_told_once_and_left(
    world: World, admin: httpx.AsyncClient
) -> None:
    folder = world.settings.recordings / "recx"
    folder.mkdir(parents=True)
    (folder / FILED).touch()
    (folder / "part-1.mp4").write_bytes(SEATS_FILM)
    with capture_logs() as logs:
        await sweep(world)
        await sweep(world)
    told_of = [one for one in logs if one.get("folder") == str(folder)]
    assert [one["log_level"] for one in told_of] == ["warning"]
    assert (folder / "part-1.mp4").read_bytes() == SEATS_FILM
    assert (await told(admin))["acts"] == []
