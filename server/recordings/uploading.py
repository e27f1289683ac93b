"""Finished recordings on their way to an object store: piece by piece, each read back as proof.

What the store says of a piece is not believed: its SHA-256 is taken of what the store gives back
(an ETag is no hash), and only then it counts. After every failure it is looked first whether the
piece arrived after all, so that nothing is sent twice but the one in flight; what counts stands in
the recording's folder (`recorder.stored_pieces`), and a restart goes on from there. A local copy
goes only when all its pieces are proved and together are what was finished.

A store that is away is asked again later and later. Meanwhile recordings wait in their folder, the
spool; when they take more than they should, that is said as long as it is so.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from recorder.errors import ManifestError
from recorder.manifest import Manifest, read_manifest
from recorder.recording_folder import JOURNAL, MANIFEST
from recorder.stored_pieces import (
    PIECE_BYTES,
    LedgerError,
    StoredPiece,
    StoredPieces,
    key_of,
    read_ledger,
    write_ledger,
)
from server.recordings.objects import ObjectMissing, Objects, ObjectsAway

_log = structlog.get_logger("tongke.store")

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
# A poster is asked for by every card of the library, and takes no room.
KEPT_HERE_BYTES = 1 << 20
INDEX = "index.json"

Sleep = Callable[[float], Awaitable[None]]


class NotWhole(Exception):
    """The recording's files are not what was finished: nothing of it is released."""


@dataclass(frozen=True, slots=True)
class UploadTotals:
    """Where uploading stands, for metrics and health."""

    waiting: int
    spool_bytes: int
    spool_full: bool
    failures: int  # one after the other, since the last piece that was proved
    sent_bytes: int  # since the server began, pieces that had to be sent again counted again
    oldest_s: float  # for how long the first that waits has waited


class Uploads:
    """`note` recordings that are finished; they are sent one after the other."""

    def __init__(
        self,
        objects: Objects,
        folder: Path,
        *,
        spool_bytes: int,
        piece_bytes: int = PIECE_BYTES,
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._objects = objects
        self._folder = folder
        self._most_bytes = spool_bytes
        self._piece_bytes = piece_bytes
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 - it spreads tries, and guards nothing
        self._clock = clock
        self._waiting: dict[str, float] = {}  # since when, in order
        self._due, self._all_sent = asyncio.Event(), asyncio.Event()
        self._all_sent.set()
        self._task: asyncio.Task[None] | None = None
        self._spool: dict[str, int] = {}
        self._failures = self._sent_bytes = 0
        self._told_full = False

    def note(self, recording_id: str) -> None:
        """This one is finished, and may be sent."""
        self._waiting.setdefault(recording_id, self._clock())
        self._count(recording_id)
        self._all_sent.clear()
        self._due.set()

    async def start(self) -> None:
        """Take up what an earlier server left, and begin."""
        for recording_id, since in await asyncio.to_thread(_left, self._folder):
            self._waiting[recording_id] = since
            self.note(recording_id)
        self._task = asyncio.create_task(self._run(), name="recording-uploads")

    async def close(self) -> None:
        """Stop; a piece in flight is looked for at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def totals(self) -> UploadTotals:
        """Where it stands now."""
        spool = sum(self._spool.values())
        full = spool > self._most_bytes
        oldest = min(self._waiting.values(), default=None)
        return UploadTotals(
            len(self._waiting),
            spool,
            full,
            self._failures,
            self._sent_bytes,
            0.0 if oldest is None else max(0.0, self._clock() - oldest),
        )

    async def done(self) -> None:
        """Wait until nothing waits any more."""
        await self._all_sent.wait()

    async def send(self, recording_id: str) -> None:
        """All of one recording; local copies of what is proved go. Returns when it is stored.

        Raises `NotWhole`, `LedgerError`, `ManifestError`, `OSError`: then its files stay here.
        """
        folder = self._folder / recording_id
        manifest = await asyncio.to_thread(read_manifest, folder)
        if manifest is None:
            raise NotWhole(f"{folder} is not finished")
        ledger = await asyncio.to_thread(read_ledger, folder)
        for name in _names(folder, manifest):
            expected = _expected(manifest, name)
            known = ledger.whole.get(name)
            if known is None or ((folder / name).is_file() and known != expected):
                await self._send_file(folder, name, expected, ledger)
        await self._send_index(recording_id, ledger)
        await asyncio.to_thread(_release, folder, manifest, ledger)
        self._count(recording_id)

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            recording_id = next(iter(self._waiting), None)
            if recording_id is None:
                self._due.clear()
                continue
            try:
                await self.send(recording_id)
            except (NotWhole, LedgerError, ManifestError, OSError) as error:
                # It stays here, untouched; the next start looks at it again.
                _log.error("a recording is not stored", recording=recording_id, why=str(error))
            self._waiting.pop(recording_id, None)
            if not self._waiting:
                self._all_sent.set()

    async def _send_file(
        self, folder: Path, name: str, expected: str, ledger: StoredPieces
    ) -> None:
        """`expected` is its SHA-256 as it was finished, empty where none was taken."""
        whole = hashlib.sha256()
        proved = ledger.pieces.setdefault(name, [])
        number = 0
        with await asyncio.to_thread((folder / name).open, "rb") as file:
            while data := await asyncio.to_thread(file.read, self._piece_bytes):
                digest = await asyncio.to_thread(hashlib.sha256, data)
                piece = StoredPiece(bytes=len(data), sha256=digest.hexdigest())
                if number < len(proved) and proved[number] != piece:
                    del proved[number:]  # the file is another than it was
                if number == len(proved):
                    key = key_of(folder.name, name, number, piece)
                    await self._send_piece(folder, key, data, ledger)
                    proved.append(piece)
                    ledger.in_flight = ""
                    await asyncio.to_thread(write_ledger, folder, ledger)
                await asyncio.to_thread(whole.update, data)
                number += 1
        del proved[number:]
        if expected not in ("", whole.hexdigest()):
            raise NotWhole(f"{folder / name} is not what was finished")
        ledger.whole[name] = whole.hexdigest()
        await asyncio.to_thread(write_ledger, folder, ledger)

    async def _send_piece(self, folder: Path, key: str, data: bytes, ledger: StoredPieces) -> None:
        """Until the store gives it back as it is."""
        wanted = hashlib.sha256(data).digest()
        look_first = ledger.in_flight == key
        while True:
            try:
                if look_first and await self._stands(key, wanted):
                    break
                if ledger.in_flight != key:
                    ledger.in_flight = key
                    await asyncio.to_thread(write_ledger, folder, ledger)
                self._sent_bytes += len(data)
                await self._objects.put(key, data)
                if await self._stands(key, wanted):
                    break
                why = "the store gives back other bytes"
            except ObjectsAway as error:
                why = str(error)
            look_first = True
            await self._back_off(key, why)
        self._failures = 0

    async def _stands(self, key: str, wanted: bytes) -> bool:
        try:
            found = await self._objects.get(key)
        except ObjectMissing:
            return False
        return hashlib.sha256(found).digest() == wanted

    async def _send_index(self, recording_id: str, ledger: StoredPieces) -> None:
        """What lies there, so that the store alone tells a recording."""
        data = ledger.model_dump_json(include={"version", "pieces", "whole"}).encode()
        wanted = hashlib.sha256(data).digest()
        key = f"{recording_id}/{INDEX}"
        while True:
            try:
                if await self._stands(key, wanted):
                    return
                await self._objects.put(key, data)
                if await self._stands(key, wanted):
                    return
                why = "the store gives back other bytes"
            except ObjectsAway as error:
                why = str(error)
            await self._back_off(key, why)

    async def _back_off(self, key: str, why: str) -> None:
        self._failures += 1
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures - 1, 16))
        wait_s = longest * (0.5 + self._rng.random() / 2)
        _log.warning("the object store refuses", object=key, why=why, again_s=round(wait_s, 1))
        await self._sleep(wait_s)

    def _count(self, recording_id: str) -> None:
        """What this recording takes of the spool; says when that is full, and when no more."""
        held = sum(size for _, size in _spooled(self._folder / recording_id))
        if held:
            self._spool[recording_id] = held
        else:
            self._spool.pop(recording_id, None)
        full = sum(self._spool.values()) > self._most_bytes
        if full != self._told_full:
            self._told_full = full
            told = self.totals()
            if full:
                _log.error(
                    "recordings wait for the object store and fill the disk",
                    waiting=told.waiting,
                    bytes=told.spool_bytes,
                )
            else:
                _log.info("the object store has taken what waited", bytes=told.spool_bytes)


def _names(folder: Path, manifest: Manifest) -> list[str]:
    """What is sent: the small ones that tell the rest come last. Raises `NotWhole`."""
    names = [*sorted(manifest.files), MANIFEST]
    if (folder / JOURNAL).is_file():
        names.append(JOURNAL)
    return names


def _expected(manifest: Manifest, name: str) -> str:
    return next((one.sha256 for one in manifest.checksums if one.file == name), "")


def _release(folder: Path, manifest: Manifest, ledger: StoredPieces) -> None:
    """Local copies go of files that are proved: first it is written down where they are."""
    going = [
        name
        for name in sorted(manifest.files)
        if name in ledger.whole and ledger.size(name) > KEPT_HERE_BYTES
    ]
    ledger.released = sorted({*ledger.released, *going})
    ledger.stored = True
    write_ledger(folder, ledger)
    for name in going:
        (folder / name).unlink(missing_ok=True)


def _left(folder: Path) -> list[tuple[str, float]]:
    """Finished recordings that are not all stored, and when each was finished, the oldest first;
    what cannot be read stays."""
    found: list[tuple[float, str]] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if path.name[0] == "." or not (path / MANIFEST).is_file():
                continue
            if not _is_stored(path):
                found.append(((path / MANIFEST).stat().st_mtime, path.name))
    return [(name, at) for at, name in sorted(found)]


def _spooled(folder: Path) -> Iterator[tuple[str, int]]:
    """Files that wait here for the store, and their lengths."""
    try:
        manifest = read_manifest(folder)
    except (ManifestError, OSError):
        return
    for name in sorted(manifest.files) if manifest is not None else ():
        with contextlib.suppress(OSError):
            size = (folder / name).stat().st_size
            if size > KEPT_HERE_BYTES:
                yield name, size


def _is_stored(folder: Path) -> bool:
    """Whether nothing of it is left to be sent; a ledger that cannot be read is looked at again."""
    try:
        return read_ledger(folder).stored
    except LedgerError:
        return False
