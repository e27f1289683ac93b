"""`Store` in an object store: what is not there yet, or is small, is read from this machine.

A file that lies there is read by ranges of its pieces, each a signed request of this server's: no
browser is handed an address of the store. Where a program needs a file of its own, it is brought
here and proved, and kept for some hours.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from recorder.recording_folder import sync_folder
from recorder.stored_pieces import LedgerError, StoredPieces, key_of, read_ledger, write_ledger
from recorder.whole_file import whole_file
from server.recordings.objects import ObjectMissing, Objects, ObjectsAway
from server.recordings.store import FolderStore, StoredFile
from server.recordings.uploading import INDEX, Uploads

_log = structlog.get_logger("tongke.store")

BROUGHT, REMOVED = ".brought", ".removed"
# In the name of what was noted where not all of a recording goes; no id has this sign.
_SOME = "!"
KEPT_S = 6 * 3600.0  # as files that are made at a wish
# Of one request: a player that goes elsewhere has not fetched much in vain.
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PiecewiseFile:
    """`StoredFile` over the pieces of a file."""

    objects: Objects
    recording_id: str
    name: str
    ledger: StoredPieces
    size: int

    async def read(self, begin: int, end: int) -> AsyncIterator[bytes]:
        """Raises `ObjectsAway`, `ObjectMissing`."""
        at = 0
        for number, piece in enumerate(self.ledger.pieces[self.name]):
            key = key_of(self.recording_id, self.name, number, piece)
            place = max(begin, at)
            while place < min(end, at + piece.bytes):
                until = min(end, at + piece.bytes, place + _READ_BYTES)
                data = await self.objects.get_range(key, place - at, until - at)
                if len(data) != until - place:
                    raise ObjectsAway(f"{key}: {len(data)} bytes came, not {until - place}")
                yield data
                place = until
            at += piece.bytes


class ObjectStore:
    """`Store`: `uploads` sends what is finished in `folder`."""

    def __init__(self, objects: Objects, folder: Path, uploads: Uploads) -> None:
        self._objects = objects
        self._folder = folder
        self._here = FolderStore(folder)
        self.uploads = uploads
        self._removing: asyncio.Task[None] | None = None
        self._noted_more = False

    async def close(self) -> None:
        """What is to be removed there stays noted."""
        if self._removing is not None:
            self._removing.cancel()
            await asyncio.gather(self._removing, return_exceptions=True)

    async def removed(self) -> None:
        """Until all that was noted has been tried."""
        if self._removing is not None:
            await self._removing

    async def put(self, recording_id: str, folder: Path, names: Iterable[str]) -> None:
        """They are safe where they lie, and are sent when their turn comes."""
        await self._here.put(recording_id, folder, names)
        self.uploads.note(recording_id)

    async def open(self, recording_id: str, name: str) -> Path | None:
        """A file that lies here."""
        return await self._here.open(recording_id, name)

    async def stream(self, recording_id: str, name: str) -> StoredFile | None:
        """A file that lies there."""
        ledger = await asyncio.to_thread(self._ledger, recording_id)
        if ledger is None or name not in ledger.whole:
            return None
        return PiecewiseFile(self._objects, recording_id, name, ledger, ledger.size(name))

    async def bring(self, recording_id: str, name: str) -> Path | None:
        """A copy here, proved by its pieces' hashes. Raises `ObjectsAway`, `OSError`."""
        here = await self.open(recording_id, name)
        if here is not None:
            return here
        ledger = await asyncio.to_thread(self._ledger, recording_id)
        if ledger is None or name not in ledger.whole:
            return None
        target = self._folder / BROUGHT / f"{recording_id}-{ledger.whole[name][:32]}-{name}"
        if target.is_file():
            await asyncio.to_thread(os.utime, target)
            return target
        await asyncio.to_thread(target.parent.mkdir, mode=0o700, exist_ok=True)
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            with await asyncio.to_thread(temporary.open, "wb") as file:
                for number, piece in enumerate(ledger.pieces[name]):
                    key = key_of(recording_id, name, number, piece)
                    data = await self._objects.get(key)
                    if hashlib.sha256(data).hexdigest() != piece.sha256:
                        raise ObjectsAway(f"{key} is not what was stored")
                    await asyncio.to_thread(file.write, data)
            temporary.rename(target)
        except ObjectMissing as error:
            raise ObjectsAway(f"{error} is not there") from None
        finally:
            temporary.unlink(missing_ok=True)  # renamed, if all went well
        return target

    async def drop(self, recording_id: str, names: Collection[str]) -> None:
        """Here at once; there as soon as the store does it."""
        ledger = await asyncio.to_thread(self._ledger, recording_id)
        gone = [name for name in sorted(names) if ledger is not None and name in ledger.pieces]
        if ledger is not None and gone:
            going = StoredPieces(pieces={name: ledger.pieces[name] for name in gone})
            # An earlier note may still wait for the store.
            which = hashlib.sha256(going.model_dump_json().encode()).hexdigest()[:16]
            await asyncio.to_thread(self._note_removal, f"{recording_id}{_SOME}{which}", going)
            for name in gone:
                del ledger.pieces[name]
                ledger.whole.pop(name, None)
            ledger.released = [name for name in ledger.released if name not in names]
            await asyncio.to_thread(write_ledger, self._folder / recording_id, ledger)
        await self._here.drop(recording_id, names)
        self._remove_soon()

    async def remove(self, recording_id: str) -> None:
        """Here at once; there as soon as the store does it: what is to go is written down first."""
        ledger = await asyncio.to_thread(self._ledger, recording_id)
        if ledger is not None and (ledger.pieces or ledger.in_flight):
            await asyncio.to_thread(self._note_removal, recording_id, ledger)
        await self._here.remove(recording_id)
        self._remove_soon()

    def _remove_soon(self) -> None:
        """Nobody waits for the store: it may take its time, and lessons have theirs to keep."""
        self._noted_more = True
        if self._removing is None or self._removing.done():
            self._removing = asyncio.create_task(self._remove_all(), name="object-removals")

    async def _remove_all(self) -> None:
        while self._noted_more:
            self._noted_more = False
            await self._remove_noted()

    async def _remove_noted(self) -> None:
        """Objects of recordings that were removed go; what the store refuses waits."""
        noted = self._folder / REMOVED
        for path in sorted(noted.glob("*.json")) if noted.is_dir() else ():
            try:
                ledger = StoredPieces.model_validate_json(await asyncio.to_thread(path.read_bytes))
                recording_id, some, _ = path.stem.partition(_SOME)
                for name, pieces in ledger.pieces.items():
                    for number, piece in enumerate(pieces):
                        await self._objects.delete(key_of(recording_id, name, number, piece))
                index = "" if some else f"{recording_id}/{INDEX}"
                for key in filter(None, (ledger.in_flight, index)):
                    await self._objects.delete(key)
                path.unlink()
            except (ObjectsAway, OSError, ValueError) as error:
                _log.warning("objects could not be removed", noted=str(path), why=str(error))
                return

    async def sweep(self, now: float) -> None:
        """What was brought here some hours ago goes; what was to be removed is tried again."""
        await asyncio.to_thread(self._sweep_brought, now)
        self._remove_soon()

    def _sweep_brought(self, now: float) -> None:
        brought = self._folder / BROUGHT
        for path in brought.iterdir() if brought.is_dir() else ():
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime >= KEPT_S:
                    path.unlink()

    def _ledger(self, recording_id: str) -> StoredPieces | None:
        try:
            return read_ledger(self._folder / recording_id)
        except (LedgerError, OSError) as error:
            _log.error("where a recording is stored cannot be read", why=str(error))
            return None

    def _note_removal(self, recording_id: str, ledger: StoredPieces) -> None:
        noted = self._folder / REMOVED
        noted.mkdir(mode=0o700, exist_ok=True)
        with whole_file(noted / f"{recording_id}.json") as file:
            file.write(ledger.model_dump_json().encode())
        sync_folder(noted)
