"""Deleting so that it can be undone: marked now, restored on demand, gone after some days.

What a kind of row means when it goes, comes back or is gone is its domain's, which makes a
`Deletable` of it; `server.services` names them all. What hangs on a deleted thing goes with it
at the same moment and comes back with it. What would be left without sense refuses the deletion.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import Row
from server.errors import not_found

Kind = Literal["schools", "classrooms", "communities", "users", "lessons", "recordings"]
AnyRow = TypeVar("AnyRow", bound=Row)
DAY_S = 86_400.0


async def _nothing_more(session: AsyncSession, row: Row, at: float) -> None:
    """For what nothing hangs on."""


@dataclass(frozen=True, slots=True)
class Deletable(Generic[AnyRow]):
    """A kind of row that can be deleted and restored."""

    kind: Kind
    model: type[AnyRow]
    name: Callable[[AnyRow], str]
    """As the list of what can be restored calls it."""

    on_delete: Callable[[AsyncSession, AnyRow, float], Awaitable[None]] = _nothing_more
    """Refuses (409) what something in use still needs, and takes along what hangs on it; the time
    is the deletion's."""

    on_restore: Callable[[AsyncSession, AnyRow, float], Awaitable[None]] = _nothing_more
    """Refuses (409) what would collide with something made since, and brings back what went along;
    the time is when it was deleted."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """Something that can still be restored."""

    kind: Kind
    id: str
    name: str
    deleted_at: float


class Deletion:
    """All kinds that can be deleted, what refers to others before what is referred to."""

    def __init__(self, deletables: Sequence[Deletable[Any]]) -> None:
        self._by_kind = {each.kind: each for each in deletables}
        self._by_model = {each.model: each for each in deletables}

    async def delete(self, session: AsyncSession, row: Row, now: float) -> None:
        """Delete a living row; refuses (409) what something in use still needs."""
        await self._by_model[type(row)].on_delete(session, row, now)
        row.deleted_at = now
        await session.flush()

    async def restore(self, session: AsyncSession, kind: Kind, row_id: str) -> None:
        """Undo a deletion.

        Refuses (404) what was never deleted or is gone for good, and (409) what would collide with
        something made since.
        """
        deletable = self._by_kind[kind]
        row = await session.get(deletable.model, row_id)
        if row is None or row.deleted_at is None:
            raise not_found("已删除的项目", "deleted item")
        deleted_at, row.deleted_at = row.deleted_at, None
        with session.no_autoflush:
            await deletable.on_restore(session, row, deleted_at)
        await session.flush()

    async def due(self, session: AsyncSession, kind: Kind, *, deleted_before: float) -> list[str]:
        """What a purge would remove of this kind, for who has to note it before."""
        model = self._by_kind[kind].model
        return list(
            await session.scalars(select(model.id).where(model.deleted_at < deleted_before))
        )

    async def purge(self, session: AsyncSession, *, deleted_before: float) -> dict[Kind, list[str]]:
        """Remove for good what was deleted before that time; what it was, for who keeps files."""
        gone: dict[Kind, list[str]] = {}
        for kind, deletable in self._by_kind.items():
            model = deletable.model
            old = model.deleted_at < deleted_before
            gone[kind] = list(await session.scalars(select(model.id).where(old)))
            await session.execute(delete(model).where(old))
        return gone

    async def deleted(self, session: AsyncSession) -> list[Deleted]:
        """What can still be restored, the latest first."""
        found = []
        for kind, deletable in self._by_kind.items():
            rows = await session.scalars(
                select(deletable.model).where(deletable.model.deleted_at.is_not(None))
            )
            found += [
                Deleted(kind, row.id, deletable.name(row), row.deleted_at or 0.0) for row in rows
            ]
        return sorted(found, key=lambda each: each.deleted_at, reverse=True)
