"""What has happened is written in its order, however long the database takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import pending_writes as pending_writes_module
from server.database.engine import Database
from server.database.models import School, SchoolKind
from server.database.pending_writes import PendingWrites, Write
from tests.refusals import locked


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(pending_writes_module, "RETRY_S", (0.01,))
    monkeypatch.setattr(pending_writes_module, "WAIT_S", 0.01)
    made = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await made.migrate()
    yield made
    await made.close()


def school(key: str) -> Write:
    async def write(session: AsyncSession) -> None:
        session.add(School(id=key, created_at=0.0, name=key, kind=SchoolKind.RURAL))

    return write


async def schools(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(School.id)))


async def test_what_waits_is_written_in_order_when_the_lock_is_gone(
    database: Database, tmp_path: Path
) -> None:
    pending_writes = PendingWrites(database)
    order: list[str] = []

    def put(key: str) -> asyncio.Future[bool]:
        done = pending_writes.put(key, school(key))
        done.add_done_callback(lambda _done: order.append(key))
        return done

    async with locked(tmp_path / "test.db"):
        waiting = [put(key) for key in ("c", "a", "b")]
        async with asyncio.timeout(60):
            while pending_writes.refusal is None:  # noqa: ASYNC110 - nobody else needs to know when
                await asyncio.sleep(0.01)
        assert pending_writes.refusal.code == "database-busy"
        assert pending_writes.waiting == 3
        assert await schools(database) == []
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert order == ["c", "a", "b"]
    assert set(await schools(database)) == {"a", "b", "c"}
    assert (pending_writes.refusal, pending_writes.waiting) == (None, 0)
    await pending_writes.close()


async def test_one_that_can_never_be_written_holds_up_nobody(database: Database) -> None:
    pending_writes = PendingWrites(database)
    written = [pending_writes.put(key, school(key)) for key in ("a", "a", "b")]
    assert await asyncio.gather(*written) == [True, False, True]
    await pending_writes.close()
    assert set(await schools(database)) == {"a", "b"}


async def test_closing_tries_once_more_and_gives_up(database: Database, tmp_path: Path) -> None:
    pending_writes = PendingWrites(database)
    last = pending_writes.put("a", school("a"))
    await pending_writes.close()
    assert await last
    async with locked(tmp_path / "test.db"):
        never = pending_writes.put("b", school("b"))
        await pending_writes.close()
        assert not await never
    assert await schools(database) == ["a"]


async def test_it_holds_so_many_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_writes_module, "MOST", 2)
    pending_writes = PendingWrites(database)
    written = [pending_writes.put(key, school(key)) for key in ("a", "b", "c")]
    assert await asyncio.gather(*written) == [True, True, False]
    assert pending_writes.dropped == 1
    await pending_writes.close()
