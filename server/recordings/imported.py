"""Recordings that came in from elsewhere (`tongke archive import`), on their way into the library.

Such a folder has `library.json` beside its manifest and was not filed yet. Whose lesson it was
nobody here may know: then administrators see it, and the schools that sat in it, where a school of
this server bears the same name. What it says of itself was written by strangers: texts are what is
seen of them, and as long as a row's are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recorder.errors import ExchangeError, ManifestError
from recorder.exchange.form import LIBRARY, MOST_LIBRARY_BYTES, LibraryFacts, read_library
from recorder.manifest import Manifest, read_manifest
from recorder.plain_text import plain
from recorder.recording_folder import MANIFEST
from server.clock import Clock
from server.database.engine import Database
from server.database.models import (
    Lesson,
    Recording,
    RecordingPhase,
    RecordingSchool,
    School,
    Visibility,
)
from server.names import visible
from server.recordings.leftovers import FILED, mark_filed
from server.recordings.library import take_manifest
from server.recordings.store import Store

_log = structlog.get_logger("tongke.library")

_NAME, _WORD = 120, 60  # signs that a row has room for


@dataclass(frozen=True, slots=True)
class Imported:
    """One that is to be taken in."""

    folder: Path
    facts: LibraryFacts
    manifest: Manifest


async def take_in_imported(
    database: Database, recordings: Path, store: Store, clock: Clock
) -> list[str]:
    """Put all of them into the library; their ids. Raises `DatabaseRefused`."""
    taken = []
    for one in await asyncio.to_thread(lambda: list(find_imported(recordings))):
        recording_id = one.folder.name
        async with database.write() as session:
            await _write(session, one, clock())
        await store.put(recording_id, one.folder, one.manifest.files)
        await asyncio.to_thread(mark_filed, one.folder)
        _log.info("an imported recording is in the library", recording=recording_id)
        taken.append(recording_id)
    return taken


def find_imported(recordings: Path) -> Iterator[Imported]:
    """Those that were not filed; what cannot be read is logged, and left alone."""
    for folder in sorted(recordings.iterdir()) if recordings.is_dir() else ():
        library = folder / LIBRARY
        if folder.name[0] == "." or not library.is_file() or (folder / FILED).exists():
            continue
        try:
            manifest = read_manifest(folder)
            with library.open("rb") as file:
                facts = read_library(file.read(MOST_LIBRARY_BYTES))
        except (ManifestError, ExchangeError, OSError) as error:
            _log.error("an imported recording cannot be read", folder=str(folder), why=str(error))
            continue
        if manifest is not None and (folder / MANIFEST).is_file():
            yield Imported(folder, facts, manifest)


async def _write(session: AsyncSession, one: Imported, now: float) -> None:
    recording_id, manifest, facts = one.folder.name, one.manifest, one.facts
    row = await session.get(Recording, recording_id)
    if row is None:
        lesson = await session.get(Lesson, manifest.lesson_id) if manifest.lesson_id else None
        row = Recording(
            id=recording_id,
            created_at=now,
            lesson_id=lesson.id if lesson else None,
            community_id=lesson.community_id if lesson else None,
            teacher_id=lesson.teacher_id if lesson else None,
            title=_text(facts.title or manifest.title, _NAME) or recording_id,
            subject=_text(facts.subject, _WORD),
            grade=_text(facts.grade, _WORD),
            teacher_name=_text(facts.teacher, _NAME),
            started_at=manifest.started_at,
            state=RecordingPhase.READY,
            visibility=Visibility.LESSON,
            schools=await _schools(session, facts),
        )
        session.add(row)
    take_manifest(row, manifest)


async def _schools(session: AsyncSession, facts: LibraryFacts) -> list[RecordingSchool]:
    names = dict.fromkeys(filter(None, (_text(name, _NAME) for name in facts.schools)))
    query = select(School.name, School.id).where(
        School.name.in_(names), School.deleted_at.is_(None)
    )
    known = dict((await session.execute(query)).all())
    return [
        RecordingSchool(place=place, name=name, school_id=known.get(name))
        for place, name in enumerate(names)
    ]


def _text(text: str, most: int) -> str:
    return visible(plain(text))[:most].strip()
