"""What is stored elsewhere is proved before it goes here, whatever the store does; virtual time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from recorder.checksums import checksum_of
from recorder.errors import ManifestError
from recorder.manifest import manifest_from, write_manifest
from recorder.recording_folder import JOURNAL
from recorder.repairing import Repair
from recorder.stored_pieces import LEDGER, LedgerError, read_ledger
from recorder.verification import ArchiveCondition, verify
from server.database.engine import Database
from server.metrics.archive import ArchiveCollector
from server.recordings.object_store import REMOVED, ObjectStore
from server.recordings.objects import ObjectsAway
from server.recordings.retiring import Retirement
from server.recordings.uploading import LONGEST_WAIT_S, NotWhole, Uploads
from tests.unit.server.recordings.faulty_objects import ONE_FILE, FaultyObjects, one_in

PIECE = 1 << 17
SIZE = 12 * PIECE + 4321  # thirteen pieces, more than what is kept here


class Killed(BaseException):
    """The process ends here."""


class Waiting:
    """Sleeps in no time, and remembers."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "rec1", seed=1)


def made(folder: Path, *, seed: int) -> Path:
    """A finished recording of noise: no two of its pieces are alike."""
    folder.mkdir()
    (folder / "part-1.mp4").write_bytes(random.Random(seed).randbytes(SIZE))
    (folder / "poster.jpg").write_bytes(b"jpg")
    (folder / JOURNAL).write_bytes(b"journal")
    members = {
        "started_at": 1.0,
        "duration_s": 60.0,
        "poster": "poster.jpg",
        "parts": [ONE_FILE],
        "checksums": [
            checksum_of(folder / name).model_dump() for name in ("part-1.mp4", "poster.jpg")
        ],
    }
    write_manifest(folder, manifest_from(members, where="this test"))
    return folder


def uploads(
    objects: FaultyObjects, folder: Path, *, waiting: Waiting | None = None, spool: int = 1 << 40
) -> Uploads:
    return Uploads(
        objects,
        folder.parent,
        spool_bytes=spool,
        piece_bytes=PIECE,
        sleep=(waiting or Waiting()).sleep,
        rng=random.Random(2),
    )


def stored(objects: FaultyObjects, folder: Path, name: str = "part-1.mp4") -> bytes:
    """What the store holds of a file, put together by its names alone."""
    keys = sorted(key for key in objects.held if key.startswith(f"{folder.name}/{name}/"))
    return b"".join(objects.held[key] for key in keys)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_all_is_there_and_only_then_the_copy_goes(folder: Path) -> None:
    objects, film = FaultyObjects(), (folder / "part-1.mp4").read_bytes()
    await uploads(objects, folder).send("rec1")
    assert stored(objects, folder) == film
    assert max(map(len, objects.held.values())) <= PIECE
    assert max(objects.sent.values()) == 1
    left = names_in(folder)
    assert left == {JOURNAL, "manifest.json", "poster.jpg", LEDGER}
    index = json.loads(objects.held["rec1/index.json"])
    assert index["whole"]["part-1.mp4"] == sha256(film)
    found = verify(folder)
    assert (found.condition, found.elsewhere) == (ArchiveCondition.WHOLE, ("part-1.mp4",))


@pytest.mark.parametrize("seed", range(2))
async def test_a_store_that_fails_and_lies_gets_each_piece_and_not_in_vain(
    folder: Path, seed: int
) -> None:
    objects, film = FaultyObjects(one_in(0.2, seed)), (folder / "part-1.mp4").read_bytes()
    await uploads(objects, folder).send("rec1")
    assert stored(objects, folder) == film
    assert not (folder / "part-1.mp4").exists()


@pytest.mark.parametrize("fault", ["after", "lies"])
async def test_what_arrived_is_not_sent_again(folder: Path, fault: str) -> None:
    once: set[str] = set()

    def first(call: str, key: str) -> str:
        if call == "put" and key not in once:
            once.add(key)
            return fault
        return ""

    objects = FaultyObjects(first)
    await uploads(objects, folder).send("rec1")
    assert set(objects.sent.values()) == {1 if fault == "after" else 2}


@pytest.mark.parametrize("kill_at", [1, 7, 13, 14, 16])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_restart_goes_on_where_it_was(folder: Path, kill_at: int, when: str) -> None:
    """Killed at this call, before or after the store did it: only the one in flight goes twice."""
    film, calls = (folder / "part-1.mp4").read_bytes(), 0
    objects = FaultyObjects()
    inner_put = objects.put

    async def put(key: str, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == kill_at and when == "before":
            raise Killed
        await inner_put(key, data)
        if calls == kill_at and when == "after":
            raise Killed

    objects.put = put  # type: ignore[method-assign]  # the same, killed on its way
    try:
        await uploads(objects, folder).send("rec1")
    except Killed:
        assert (folder / "part-1.mp4").read_bytes() == film
        await uploads(objects, folder).send("rec1")
    assert stored(objects, folder) == film
    assert max(objects.sent.values()) == 1, "what had arrived was looked for first"


async def test_who_is_away_is_asked_later_and_later_and_the_lesson_waits_for_nobody(
    folder: Path,
) -> None:
    asked = 0

    def away(_call: str, _key: str) -> str:
        nonlocal asked
        asked += 1
        return "before" if asked <= 24 else ""

    waiting, objects = Waiting(), FaultyObjects(away)
    sending = uploads(objects, folder, waiting=waiting)
    await sending.send("rec1")
    assert all(wait <= LONGEST_WAIT_S for wait in waiting.waited)
    assert waiting.waited[0] <= 1.0
    assert max(waiting.waited) > 150
    assert waiting.waited[:8] == sorted(waiting.waited[:8])
    assert sending.totals().failures == 0, "it is well again"


async def test_a_spool_that_fills_is_told_until_it_does_no_more(folder: Path) -> None:
    objects = FaultyObjects(lambda _call, _key: "before")
    sending = uploads(objects, folder, spool=SIZE - 1)
    with capture_logs() as logs:
        sending.note("rec1")
        assert sending.totals().spool_full
        assert [one["log_level"] for one in logs if "fill the disk" in one["event"]] == ["error"]
        objects.fault = lambda _call, _key: ""
        await sending.send("rec1")
    assert not sending.totals().spool_full
    assert sending.totals().spool_bytes == 0
    assert "has taken what waited" in logs[-1]["event"]


def other_byte(folder: Path) -> None:
    path = folder / "part-1.mp4"
    data = bytearray(path.read_bytes())
    data[SIZE // 2] ^= 1
    path.write_bytes(data)


def torn_ledger(folder: Path) -> None:
    (folder / LEDGER).write_text("{")


def torn_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("harm", [other_byte, torn_ledger, torn_manifest])
async def test_what_cannot_be_read_as_it_was_finished_stays_here(
    folder: Path, harm: Callable[[Path], None]
) -> None:
    harm(folder)
    before = (folder / "part-1.mp4").read_bytes()
    objects = FaultyObjects()
    sending = uploads(objects, folder)
    await sending.start()
    await sending.done()
    await sending.close()
    assert (folder / "part-1.mp4").read_bytes() == before
    with pytest.raises((NotWhole, LedgerError, ManifestError)):
        await sending.send("rec1")


async def test_a_store_that_loses_a_piece_later_is_found_out_when_it_is_read(folder: Path) -> None:
    objects = FaultyObjects()
    sending = uploads(objects, folder)
    await sending.send("rec1")
    key = next(key for key in objects.held if "/part-1.mp4/00003" in key)
    objects.held[key] = b"x" + objects.held[key][1:]
    store = ObjectStore(objects, folder.parent, sending)
    with pytest.raises(ObjectsAway, match="not what was stored"):
        await store.bring("rec1", "part-1.mp4")
    assert not list((folder.parent / ".brought").iterdir())


async def test_ranges_are_read_over_the_seams_of_pieces(folder: Path) -> None:
    film, objects = (folder / "part-1.mp4").read_bytes(), FaultyObjects()
    sending = uploads(objects, folder)
    await sending.send("rec1")
    store = ObjectStore(objects, folder.parent, sending)
    assert await store.open("rec1", "part-1.mp4") is None
    file = await store.stream("rec1", "part-1.mp4")
    assert file is not None
    assert file.size == SIZE
    for begin, end in ((0, SIZE), (0, 1), (PIECE - 1, PIECE + 1), (5, 3 * PIECE), (SIZE - 2, SIZE)):
        got = b"".join([data async for data in file.read(begin, end)])
        assert got == film[begin:end], (begin, end)
    brought = await store.bring("rec1", "part-1.mp4")
    assert brought is not None
    assert brought.read_bytes() == film
    await store.sweep(brought.stat().st_mtime + 7 * 3600)
    assert not brought.exists()


async def test_a_removal_that_the_store_refuses_is_tried_again(folder: Path) -> None:
    objects = FaultyObjects()
    sending = uploads(objects, folder)
    await sending.send("rec1")
    made(folder.parent / "rec2", seed=5)
    await sending.send("rec2")
    store = ObjectStore(objects, folder.parent, sending)
    objects.fault = lambda call, _key: "before" if call == "delete" else ""
    await store.remove("rec1")
    await store.removed()
    assert folder.name not in names_in(folder.parent)
    assert any(key.startswith("rec1/") for key in objects.held)
    objects.fault = lambda _call, _key: ""
    await store.sweep(0.0)
    await store.removed()
    assert objects.held
    assert all(key.startswith("rec2/") for key in objects.held)
    assert not list((folder.parent / REMOVED).iterdir())


async def test_a_repair_leaves_what_is_stored_as_it_is(folder: Path) -> None:
    objects = FaultyObjects()
    await uploads(objects, folder).send("rec1")
    (folder / "poster.jpg").write_bytes(b"torn")
    Repair(folder).run()
    found = verify(folder)
    assert found.elsewhere == ("part-1.mp4",)
    assert found.faults == ()
    assert read_ledger(folder).released == ["part-1.mp4"]


async def test_what_was_finished_again_is_stored_again(folder: Path) -> None:
    objects = FaultyObjects()
    sending = uploads(objects, folder)
    await sending.send("rec1")
    (folder / "part-1.mp4").write_bytes(b"new" * PIECE * 5)
    members = json.loads((folder / "manifest.json").read_text())
    members["checksums"] = [checksum_of(folder / "part-1.mp4").model_dump()]
    write_manifest(folder, manifest_from(members, where="this test"))
    assert verify(folder).elsewhere == ()
    await sending.send("rec1")
    ledger = read_ledger(folder)
    assert ledger.whole["part-1.mp4"] == sha256(b"new" * PIECE * 5)
    store = ObjectStore(objects, folder.parent, sending)
    brought = await store.bring("rec1", "part-1.mp4")
    assert brought is not None
    assert brought.read_bytes() == b"new" * PIECE * 5


async def test_what_waits_is_told_with_its_age_and_as_measures(folder: Path) -> None:
    now = 1_000_000.0
    other = made(folder.parent / "rec2", seed=2)
    os.utime(other / "manifest.json", (now - 500, now - 500))
    os.utime(folder / "manifest.json", (now - 20, now - 20))
    objects = FaultyObjects(lambda _call, _key: "before")
    waits = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await waits.wait()

    sending = Uploads(
        objects, folder.parent, spool_bytes=SIZE, piece_bytes=PIECE, sleep=sleep, clock=lambda: now
    )
    await sending.start()
    for _ in range(1000):
        if sending.totals().failures:
            break
        await asyncio.sleep(0.001)
    now += 100
    store = ObjectStore(objects, folder.parent, sending)
    database = Database(f"sqlite+aiosqlite:///{folder.parent / 'none.db'}")
    retirement = Retirement(database, store, folder.parent, kept_s=1.0)
    told = {
        metric.name: metric.samples[0].value
        for metric in ArchiveCollector(store, retirement).collect()
        if metric.samples
    }
    await sending.close()
    await database.close()
    assert told["tongke_uploads_waiting"] == 2
    assert told["tongke_upload_oldest_seconds"] == 600
    assert told["tongke_upload_spool_bytes"] == 2 * SIZE
    assert told["tongke_upload_spool_full"] == 1
    assert told["tongke_upload_failures"] == 1


async def test_what_is_dropped_while_an_earlier_note_waits_goes_too(folder: Path) -> None:
    objects = FaultyObjects()
    sending = uploads(objects, folder)
    await sending.send(folder.name)
    store = ObjectStore(objects, folder.parent, sending)
    objects.fault = lambda call, _key: "before" if call == "delete" else ""
    for name in ("part-1.mp4", "poster.jpg"):
        await store.drop(folder.name, [name])
        await store.removed()
    assert stored(objects, folder), "the store refused"
    objects.fault = lambda _call, _key: ""
    await store.sweep(0.0)
    await store.removed()
    assert not stored(objects, folder)
    assert not stored(objects, folder, "poster.jpg")
    assert not list((folder.parent / REMOVED).iterdir())
