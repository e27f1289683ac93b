"""What a server that was killed in the middle of putting aside, bringing back or removing has left.

Files and rows change one after the other: whoever is killed between leaves a recording whose folder
says one thing and whose row another. Here the two are told apart and brought together; what goes is
only what the library itself has written down as gone for good. A folder of which nobody knows is
told, and left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.errors import ManifestError
from recorder.manifest import read_manifest
from recorder.put_aside import WHOLE, bring_back
from server.database.engine import Database
from server.database.models import ArchiveAct, Recording
from server.recordings.leftovers import FILED
from server.recordings.library import take_manifest
from server.recordings.retention import Deed
from server.recordings.store import Store

_log = structlog.get_logger("tongke.archive")
# One question to the database for so many folders.
_AT_ONCE = 500


class CutShort:
    """`settle` what stands between two steps; nobody else may be at them meanwhile."""

    def __init__(self, database: Database, store: Store, folder: Path) -> None:
        self._database = database
        self._store = store
        self._folder = folder
        self.strange: frozenset[str] = frozenset()
        """Folders of recordings that the library does not know, as of the last time."""

    async def settle(self) -> list[str]:
        """Finish it; the recordings whose manifest is another now."""
        changed = await self._put_aside_in_the_folder_alone()
        changed += await self._brought_back_in_the_folder_alone()
        await self._removed_in_the_library_alone()
        return changed

    async def _put_aside_in_the_folder_alone(self) -> list[str]:
        """Its row says that nothing is put aside: it is whole again, until its rule is due."""
        found = await asyncio.to_thread(lambda: sorted(self._folder.glob(f"*/{WHOLE}")))
        names = [path.parent.name for path in found]
        changed = []
        for name, is_whole in (await self._known(names)).items():
            if is_whole:
                with _told("what was nearly put aside is left so", name):
                    await asyncio.to_thread(bring_back, self._folder / name)
                    changed.append(name)
        return changed

    async def _brought_back_in_the_folder_alone(self) -> list[str]:
        """Somebody wanted it back, and its files are: its row says so too."""
        async with self._database.read() as session:
            query = select(Recording.id).where(
                Recording.put_aside_at.is_not(None), Recording.dropped_at.is_(None)
            )
            names = list(await session.scalars(query))
        changed = []
        for name in names:
            with _told("what was nearly brought back is left so", name):
                place = self._folder / name
                if await asyncio.to_thread((place / WHOLE).exists):
                    continue
                manifest = await asyncio.to_thread(read_manifest, place)
                if manifest is None or all(part.is_program for part in manifest.parts):
                    continue  # what was put aside is gone, whoever did it
                async with self._database.write() as session:
                    row = await session.get(Recording, name)
                    if row is not None and row.put_aside_at is not None:
                        take_manifest(row, manifest)
                        row.put_aside_at, row.spared = None, True
                        changed.append(name)
                        _log.info("a recording that was brought back is whole", recording=name)
        return changed

    async def _removed_in_the_library_alone(self) -> None:
        """Gone for good by what the library has written down: its files go too."""
        found = await asyncio.to_thread(lambda: list(_recordings_in(self._folder)))
        known = await self._known([path.name for path in found])
        orphans = {path.name: path for path in found if path.name not in known}
        purged = await self._purged(orphans)
        strange = set()
        for name, path in orphans.items():
            newest = await asyncio.to_thread(_newest, path)
            if name in purged and newest < purged[name]:
                await self._store.remove(name)
                _log.info("a removal that was cut short is done", recording=name)
            elif await asyncio.to_thread((path / FILED).exists):
                strange.add(name)
        for name in sorted(strange - self.strange):
            _log.warning(
                "a recording's folder is unknown to the library, and is left alone",
                folder=str(self._folder / name),
            )
        self.strange = frozenset(strange)

    async def _known(self, names: list[str]) -> dict[str, bool]:
        """Those of which there is a row; whether it says that nothing of them was put aside."""
        known: dict[str, bool] = {}
        async with self._database.read() as session:
            for some in _some(names):
                query = select(Recording.id, Recording.put_aside_at, Recording.dropped_at).where(
                    Recording.id.in_(some)
                )
                for name, aside, dropped in await session.execute(query):
                    known[name] = aside is None and dropped is None
        return known

    async def _purged(self, names: Iterable[str]) -> dict[str, float]:
        """When each was removed for good, if that is the last that was done with it."""
        last: dict[str, ArchiveAct] = {}
        async with self._database.read() as session:
            for some in _some(list(names)):
                for one in await _acts(session, some):
                    last[one.recording_id] = one
        return {name: one.at for name, one in last.items() if one.act == Deed.PURGE.value}


async def _acts(session: AsyncSession, names: list[str]) -> Iterable[ArchiveAct]:
    query = select(ArchiveAct).where(ArchiveAct.recording_id.in_(names)).order_by(ArchiveAct.at)
    return await session.scalars(query)


def _some(names: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(names), _AT_ONCE):
        yield names[at : at + _AT_ONCE]


def _recordings_in(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name[0] != "." and path.is_dir():  # a link whose disk is away is none
            yield path


def _newest(folder: Path) -> float:
    """When the last of its files was written; what came in by an import after the removal is not
    what was removed."""
    newest = 0.0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                newest = max(newest, (Path(place) / name).lstat().st_mtime)
    return newest


@contextlib.contextmanager
def _told(what: str, recording_id: str) -> Iterator[None]:
    """One that cannot be read keeps no other from being seen to."""
    try:
        yield
    except (ManifestError, OSError) as error:
        _log.error(what, recording=recording_id, why=str(error))
