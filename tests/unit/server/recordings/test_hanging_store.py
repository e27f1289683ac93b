"""A store that takes what it is asked and never answers: told in time, and nobody waits for it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from recorder.manifest import write_manifest
from recorder.stored_pieces import read_ledger
from server.recordings.object_store import REMOVED, ObjectStore
from server.recordings.objects import ObjectsAway
from server.recordings.s3_objects import Patience, S3Objects
from server.recordings.uploading import Uploads
from tests.unit.server.recordings import faulty_objects, recorded
from tests.unit.server.recordings.test_uploading import made
from tests.unit.server.world import World

pytest.importorskip("obstore", reason="the object store's client is not installed")

Ids = dict[str, str]
BRIEF = Patience(answer_s=0.2, bytes_per_s=1e8)
FOR_EVER = Patience(answer_s=3600.0)
AT_ONCE_S = 10.0  # far from how long it would take to wait for the store

# What it says of an object before it falls silent.
BEGUN = (
    b"HTTP/1.1 206 Partial Content\r\ncontent-length: 1000\r\ncontent-range: bytes 0-999/1000\r\n"
    b'etag: "1"\r\nlast-modified: Sun, 29 Nov 2026 10:00:00 GMT\r\n\r\nten bytes.'
)


@asynccontextmanager
async def hanging_store(answer: bytes, patience: Patience) -> AsyncIterator[S3Objects]:
    """It reads all that comes, says `answer`, and nothing more."""
    tasks: set[asyncio.Task[None]] = set()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await reader.read(1 << 16)
            writer.write(answer)
            while await reader.read(1 << 16):
                pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(taken, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield S3Objects(
            bucket="lessons",
            endpoint=f"http://127.0.0.1:{port}",
            region="us-east-1",
            keys=("id", "secret"),
            patience=patience,
        )
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("answer", [b"", BEGUN], ids=["it says nothing", "it stops in the middle"])
async def test_each_request_is_given_up_in_its_time(answer: bytes) -> None:
    async with hanging_store(answer, BRIEF) as objects, asyncio.timeout(AT_ONCE_S):
        with pytest.raises(ObjectsAway, match="no answer"):
            await objects.get("a")
        with pytest.raises(ObjectsAway, match="no answer"):
            await objects.get_range("a", 0, 1000)
        if not answer:
            with pytest.raises(ObjectsAway, match="no answer"):
                await objects.put("a", bytes(1 << 16))
            with pytest.raises(ObjectsAway, match="no answer"):
                await objects.delete("a")


def test_a_piece_has_the_time_of_a_thin_line() -> None:
    assert Patience().for_bytes(16 << 20) < 300
    assert Patience().for_bytes(0) < 30, "who plays waits no longer for a first byte"


async def test_an_upload_is_told_to_be_stuck_and_its_files_stay(tmp_path: Path) -> None:
    folder = made(tmp_path / "rec1", seed=1)
    async with hanging_store(b"", BRIEF) as objects:
        told = asyncio.Event()

        async def sleep(_seconds: float) -> None:
            """It would be asked again."""
            told.set()
            await asyncio.Event().wait()

        uploads = Uploads(objects, tmp_path, spool_bytes=1 << 40, sleep=sleep)
        await uploads.start()
        async with asyncio.timeout(AT_ONCE_S):
            await told.wait()
        assert uploads.totals().failures == 1
        assert uploads.totals().waiting == 1
        async with asyncio.timeout(AT_ONCE_S):
            await uploads.close()
    assert (folder / "part-1.mp4").is_file()
    assert read_ledger(folder).whole == {}


async def stored(folder: Path) -> None:
    """Its film lies in some store, and not here."""
    uploads = Uploads(faulty_objects.FaultyObjects(), folder.parent, spool_bytes=1 << 40)
    await uploads.send(folder.name)


async def test_nobody_waits_for_what_is_removed_there(tmp_path: Path) -> None:
    """The timekeeper sweeps, and lessons begin and end by it."""
    await stored(made(tmp_path / "rec1", seed=1))
    async with hanging_store(b"", FOR_EVER) as objects:
        store = ObjectStore(objects, tmp_path, Uploads(objects, tmp_path, spool_bytes=1 << 40))
        async with asyncio.timeout(AT_ONCE_S):
            await store.remove("rec1")
            await store.sweep(0.0)
            await store.close()
    assert not (tmp_path / "rec1").exists()
    assert list((tmp_path / REMOVED).glob("*.json")), "and it stays written down"


async def test_who_plays_is_told_in_both_languages_and_others_are_answered(
    world: World, community: Ids
) -> None:
    name = await recorded.recorded(world, community)
    folder = world.settings.recordings / name
    (folder / "part-1.mp4").write_bytes(recorded.FILM * 600)
    write_manifest(folder, recorded.manifest(parts=[faulty_objects.ONE_FILE]))
    await stored(folder)
    li = await world.signed_in("li")
    address = f"/media/recordings/{name}/part-1.mp4"
    async with hanging_store(b"", dataclasses.replace(BRIEF, answer_s=1.0)) as objects:
        uploads = Uploads(objects, world.settings.recordings, spool_bytes=1 << 40)
        store = ObjectStore(objects, world.settings.recordings, uploads)
        world.app.state.services = dataclasses.replace(world.services, store=store)
        asked = asyncio.create_task(li.get(address, headers={"range": "bytes=0-99"}))
        other = await world.signed_in("li")
        assert (await other.get("/api/recordings")).status_code == httpx.codes.OK
        assert not asked.done(), "others were answered while it hung"
        said = await asyncio.wait_for(asked, AT_ONCE_S)
    assert (said.status_code, said.json()["code"]) == (503, "store-away")
    assert said.headers["retry-after"] == "30"
    assert "对象存储" in said.text
    assert "does not answer" in said.text
