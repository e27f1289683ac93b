"""What the library says of recordings, for exports, repairs and imports.

Export and repair run beside the server and only ask; what comes in from elsewhere is put into the
library by the server itself (`imported`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from recorder.errors import ManifestError
from recorder.exchange.form import LibraryFacts
from recorder.manifest import Manifest, manifest_from
from server.database.engine import Database
from server.database.models import Community, Recording


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """What the library knows of a recording; `manifest` is its copy, if that can be read."""

    facts: LibraryFacts
    manifest: Manifest | None


async def known_to_library(database: Database, ids: Collection[str]) -> dict[str, LibraryEntry]:
    """Of these recordings, those that the library has. Raises `DatabaseRefused`."""
    known: dict[str, LibraryEntry] = {}
    async with database.read() as session:
        for recording_id in ids:
            query = select(Recording).where(Recording.id == recording_id)
            row = await session.scalar(query.options(undefer(Recording.manifest)))
            if row is None:
                continue
            known[recording_id] = LibraryEntry(await facts_of(session, row), _manifest(row))
    return known


async def facts_of(session: AsyncSession, row: Recording) -> LibraryFacts:
    """What the library says of a recording."""
    community = await session.get(Community, row.community_id) if row.community_id else None
    return LibraryFacts(
        title=row.title,
        subject=row.subject,
        grade=row.grade,
        teacher=row.teacher_name,
        community=community.name if community else "",
        schools=tuple(school.name for school in row.schools),
    )


def _manifest(row: Recording) -> Manifest | None:
    if not row.manifest:
        return None
    try:
        return manifest_from(row.manifest, where=f"the row of recording {row.id}")
    except ManifestError:
        return None
