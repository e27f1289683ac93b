"""A database that refuses says why, soon, and is asked again later: SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.database.engine import Database
from server.database.models import School, SchoolKind
from server.database.refusing import Cause, DatabaseRefused, cause_of
from tests.ports import free_port
from tests.postgresql import PostgreSQL
from tests.refusals import locked

SOON_S = 60.0  # one that waited for ever would not come back


def school(key: str) -> School:
    return School(id=key, created_at=0.0, name=key, kind=SchoolKind.RURAL)


async def refused(database: Database, *, wait_s: float = 0.05) -> Cause:
    async with asyncio.timeout(SOON_S):
        with pytest.raises(DatabaseRefused) as told:
            async with database.write(wait_s=wait_s) as session:
                session.add(school("late"))
    assert told.value.status == 503
    assert told.value.retry_after_s is not None
    return told.value.cause


async def names(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(School.id).order_by(School.id)))


async def test_another_processs_lock(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await database.migrate()
    async with locked(tmp_path / "test.db"):
        assert await refused(database) is Cause.BUSY
        assert await refused(database, wait_s=0.0) is Cause.BUSY
        assert await names(database) == []
    async with database.write(wait_s=SOON_S) as session:
        session.add(school("a"))
    assert await names(database) == ["a"]
    await database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_another_writers_turn(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    """Ours in this process, and in PostgreSQL another server's."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    if kind == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        url = await server.empty()
    database, other = Database(url), Database(url)
    await database.migrate()
    for holder in (database, other):
        async with holder.write() as session:
            session.add(school(f"by-{id(holder)}"))
            assert await refused(database) is Cause.BUSY
    assert len(await names(database)) == 2
    await other.close()
    await database.close()


async def test_a_server_that_is_not_there() -> None:
    database = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    assert await refused(database) is Cause.AWAY
    with pytest.raises(DatabaseRefused):
        async with database.read():
            raise AssertionError
    await database.close()


async def test_what_the_asker_did_wrong_is_no_refusal(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await database.migrate()
    async with database.write() as session:
        session.add(school("a"))
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add(school("a"))
    with pytest.raises(OperationalError, match="no such table"):
        async with database.read() as session:
            await session.execute(text("SELECT * FROM nowhere"))
    with pytest.raises(OSError, match="mine"):  # of the caller's own doing
        async with database.write():
            raise OSError("mine")
    await database.close()


class Fault(Exception):
    """A driver's error with its code."""

    def __init__(self, **codes: object) -> None:
        super().__init__("driver")
        for name, code in codes.items():
            setattr(self, name, code)


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        ({"sqlite_errorcode": sqlite3.SQLITE_BUSY}, Cause.BUSY),
        ({"sqlite_errorcode": sqlite3.SQLITE_BUSY_SNAPSHOT}, Cause.BUSY),
        ({"sqlite_errorcode": sqlite3.SQLITE_FULL}, Cause.FULL),
        ({"sqlite_errorcode": sqlite3.SQLITE_IOERR_WRITE}, Cause.AWAY),
        ({"sqlite_errorcode": sqlite3.SQLITE_IOERR_SHMSIZE}, Cause.FULL),
        ({"sqlite_errorcode": sqlite3.SQLITE_READONLY_DBMOVED}, Cause.AWAY),
        ({"sqlite_errorcode": sqlite3.SQLITE_CORRUPT}, None),
        ({"sqlite_errorcode": sqlite3.SQLITE_ERROR}, None),
        ({"sqlstate": "53100"}, Cause.FULL),
        ({"sqlstate": "53300"}, Cause.AWAY),
        ({"sqlstate": "55P03"}, Cause.BUSY),
        ({"sqlstate": "57P01"}, Cause.AWAY),
        ({"sqlstate": "08006"}, Cause.AWAY),
        ({"sqlstate": "42601"}, None),
        ({}, None),
    ],
)
def test_each_code_has_its_cause(codes: dict[str, object], cause: Cause | None) -> None:
    for kind in (OperationalError, DBAPIError, ProgrammingError):
        assert cause_of(kind("SELECT 1", {}, Fault(**codes))) is cause
    assert cause_of(IntegrityError("INSERT", {}, Fault(**codes))) is None


def test_a_pool_that_is_used_up_is_busy() -> None:
    assert cause_of(PoolTimeout()) is Cause.BUSY
