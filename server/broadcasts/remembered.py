"""Where live lessons are pushed to, over a restart of the server.

An address holds what lets us in there, so it is kept sealed (`server.encoders.sealed`), and no
longer than its lesson lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.engine import Database
from server.database.models import KeptPush
from server.database.pending_writes import PendingWrites
from server.encoders.sealed import Seal


@dataclass(frozen=True, slots=True)
class Remembered:
    """A push as it was begun."""

    push_id: str
    address: str = field(repr=False)


class RememberedPushes:
    """What is begun is kept before it begins; what has ended is forgotten as soon as may be."""

    def __init__(self, database: Database, pending_writes: PendingWrites, seal: Seal) -> None:
        self._database = database
        self._pending_writes = pending_writes
        self._seal = seal

    async def keep(self, lesson_id: str, push: Remembered, at: float) -> None:
        """Raises `DatabaseRefused`: then it is not to be begun."""
        sealed = self._seal.sealed_address(push.push_id, push.address)
        async with self._database.write() as session:
            session.add(
                KeptPush(id=push.push_id, lesson_id=lesson_id, sealed=sealed, created_at=at)
            )

    def forget(self, push_id: str) -> None:
        """It was ended by hand: no restart brings it back."""
        self._pending_writes.put("a push that has ended", partial(_forget, push_id))

    def forget_lesson(self, lesson_id: str) -> None:
        """It is over, and with it all of its pushes."""
        self._pending_writes.put("a lesson's pushes", partial(_forget_lesson, lesson_id))

    async def of_lesson(self, lesson_id: str) -> Sequence[Remembered]:
        """The first first; without those that were sealed under another key.

        Raises `DatabaseRefused`.
        """
        asked = select(KeptPush).where(KeptPush.lesson_id == lesson_id)
        async with self._database.read() as session:
            rows = (await session.scalars(asked.order_by(KeptPush.created_at))).all()
        opened = ((row.id, self._seal.opened_address(row.id, row.sealed)) for row in rows)
        return [Remembered(row_id, address) for row_id, address in opened if address is not None]


async def _forget(push_id: str, session: AsyncSession) -> None:
    await session.execute(delete(KeptPush).where(KeptPush.id == push_id))


async def _forget_lesson(lesson_id: str, session: AsyncSession) -> None:
    await session.execute(delete(KeptPush).where(KeptPush.lesson_id == lesson_id))
