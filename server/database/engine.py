"""Opening the database: engine, sessions for reading and for writing, migrations at the start.

SQLite in WAL mode by default: readers never wait, writers take turns. A writer begins with
`BEGIN IMMEDIATE`, because a transaction that reads first and writes later can fail in SQLite with
"database is locked" at once, whatever the busy timeout.

Writers take turns in PostgreSQL too, by an advisory lock that ends with the transaction: what one
looked at before it writes (is this the last administrator, is this room free then) no other has
changed meanwhile, on this server or another of the same database. A county writes a few times a
second; readers never wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

from sqlalchemy import event, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from server.database.migrations import HEAD, upgrade
from server.errors import StartRefused

_BUSY_TIMEOUT_MS = 5000  # the command line's small helps may write while the server runs
_THREAD_END_S = 2.0
_WRITE = "tongke_write"
_WRITERS_LOCK = 0x746F6E676B65  # "tongke": a number that no other program of the database uses


class Database:
    """One open database. `read()` and `write()` give sessions; `close()` ends it."""

    def __init__(self, url: str) -> None:
        """`url` is an async SQLAlchemy URL. Raises `StartRefused` if it cannot be understood."""
        try:
            sqlite = url.startswith("sqlite")
            self._engine = create_async_engine(
                url,
                pool_pre_ping=not sqlite,
                connect_args={"factory": _Undoing} if sqlite else {},
            )
        except Exception as error:  # a wrong URL raises what its dialect pleases
            raise StartRefused(f"The setting database_url cannot be used: {error}") from None
        self.name = self._engine.dialect.name
        self._sqlite = self.name == "sqlite"
        if self._sqlite:
            event.listen(self._engine.sync_engine, "connect", self._sqlite_connected)
            event.listen(self._engine.sync_engine, "begin", _sqlite_begin)
        # Whoever reads sees one moment, as SQLite's readers do by themselves.
        reader = self._engine.execution_options(
            **({} if self._sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._sessions = async_sessionmaker(reader, expire_on_commit=False)
        writer = self._engine.execution_options(**{_WRITE: True})
        self._writers = async_sessionmaker(writer, expire_on_commit=False)
        self._turn = asyncio.Lock()
        self._threads: WeakSet[threading.Thread] = WeakSet()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads."""
        async with self._sessions() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session whose transaction is committed at the end, or undone by any exception."""
        if not self._sqlite:
            async with self._writers.begin() as session:
                await session.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
                yield session
            return
        async with self._turn, self._writers.begin() as session:
            yield session

    async def migrate(self) -> None:
        """Bring the tables to this program's version; raises `StartRefused` if that fails."""
        try:
            async with self._engine.connect() as connection:
                found = await connection.run_sync(_version)
            if found == HEAD:
                return
            async with self._writers.kw["bind"].begin() as connection:
                await connection.run_sync(upgrade)
        except DBAPIError as error:
            raise StartRefused(
                f"The database ({self._engine.url.render_as_string()}) cannot be used: "
                f"{error.orig}. Check the database_url setting, the rights of the file and the "
                "free space."
            ) from None
        except OSError as error:
            raise StartRefused(f"The database cannot be reached: {error}.") from None

    async def ping(self) -> None:
        """One tiny query; raises what the database raises."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def run_sync(self, work: Any) -> Any:
        """Run `work(connection)` on a plain connection (for checks of the schema)."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        for thread in list(self._threads):  # each has had its last word and is about to end
            thread.join(_THREAD_END_S)

    def _sqlite_connected(self, connection: Any, record: Any) -> None:
        _sqlite_connect(connection)
        # aiosqlite runs each connection in a thread that it never joins
        self._threads.add(record.driver_connection._thread)


class _Undoing(sqlite3.Connection):
    """A connection that undoes what it had begun when it is closed.

    SQLite keeps a closed connection, and its write lock, for as long as a statement of it lives.
    Whoever is cancelled between a query and its rows leaves one behind, and without this nobody
    could write until the garbage collector finds it.
    """

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.rollback()
        super().close()


def _version(connection: Connection) -> str | None:
    """The schema version the database stands at, without importing Alembic (0.2 s) for it."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _sqlite_connect(connection: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see `_sqlite_begin`
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",  # safe against a crash of the program; WAL keeps the file whole
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
