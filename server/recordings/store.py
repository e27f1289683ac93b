"""Where the finished files of recordings are kept: what the library gives out, and takes away.

A finished file is one that a manifest names. What a recorder still works on (journal, tracks) lies
in a folder of this machine, wherever finished files are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path
from typing import Protocol

import structlog

from server.recordings.places import remove_recording

_log = structlog.get_logger("tongke.library")


class StoredFile(Protocol):
    """A file that this machine reads from elsewhere."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    def read(self, begin: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `begin` up to, without, `end`."""
        ...


class Store(Protocol):
    """Finished files, by their recording and their name in its manifest."""

    async def put(self, recording_id: str, folder: Path, names: Iterable[str]) -> None:
        """Keep these files, which were finished in `folder`. Done again, it changes nothing."""
        ...

    async def open(self, recording_id: str, name: str) -> Path | None:
        """Where this machine has a file; None if it is not kept, or kept elsewhere."""
        ...

    async def stream(self, recording_id: str, name: str) -> StoredFile | None:
        """A file that is kept elsewhere; None if it is not."""
        ...

    async def bring(self, recording_id: str, name: str) -> Path | None:
        """A file as this machine's own, for a program that needs one; None if it is not kept.

        Raises `ObjectsAway`, `OSError`.
        """
        ...

    async def drop(self, recording_id: str, names: Collection[str]) -> None:
        """These files of a recording go, for good. Done again, it changes nothing."""
        ...

    async def remove(self, recording_id: str) -> None:
        """All of a recording goes, for good."""
        ...

    async def sweep(self, now: float) -> None:
        """What is only kept for a while goes when its time is over."""
        ...


class FolderStore:
    """`Store` in the folder in which recordings are made: what is finished there is kept there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, recording_id: str, folder: Path, names: Iterable[str]) -> None:
        """They lie where they are kept."""
        if folder != self._folder / recording_id:
            raise ValueError(f"{folder} is not where recording {recording_id} is kept")

    async def open(self, recording_id: str, name: str) -> Path | None:
        """A file below the recording's folder, whatever its name says."""
        return await asyncio.to_thread(self._find, recording_id, name)

    async def stream(self, recording_id: str, name: str) -> StoredFile | None:
        """Nothing is kept elsewhere."""
        return None

    async def bring(self, recording_id: str, name: str) -> Path | None:
        """It is here."""
        return await self.open(recording_id, name)

    async def sweep(self, now: float) -> None:
        """All is kept."""

    async def drop(self, recording_id: str, names: Collection[str]) -> None:
        """Files below the recording's folder, whatever their names say."""
        for name in names:
            path = await asyncio.to_thread(self._find, recording_id, name)
            if path is not None:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def remove(self, recording_id: str) -> None:
        """With its journal, and what else lies in its folder."""
        await asyncio.to_thread(_remove, self._folder / recording_id)

    def _find(self, recording_id: str, name: str) -> Path | None:
        root = (self._folder / recording_id).resolve()
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None


def _remove(folder: Path) -> None:
    remove_recording(folder)
    if folder.exists():
        _log.warning("a deleted recording's files could not be removed", folder=str(folder))
