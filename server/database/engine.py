"""Opening the database: engine, sessions for reading and for writing, migrations at the start.

SQLite in WAL mode by default: readers never wait, writers take turns. A writer begins with
`BEGIN IMMEDIATE`, because a transaction that reads first and writes later can fail in SQLite with
"database is locked" at once, whatever the busy timeout.

Writers take turns in PostgreSQL too, by an advisory lock that ends with the transaction: what one
looked at before it writes (is this the last administrator, is this room free then) no other has
changed meanwhile, on this server or another of the same database. A county writes a few times a
second; readers never wait.

Nobody waits long: a writer that does not get its turn in time, because another process holds the
lock, is refused like one that finds the disk full (`refusing.DatabaseRefused`).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import event, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from server.database.migrations import HEAD, upgrade
from server.database.refusing import Cause, DatabaseRefused, cause_of, refusals_told
from server.errors import StartPutOff, StartRefused

# The longest wait for another writer, our own or another process's (a backup, the command line):
# of the five seconds in which a person is to be answered it leaves the rest to a busy machine.
WAIT_S = 2.0
_THREAD_END_S = 2.0
_WRITE = "tongke_write"
_WRITERS_LOCK = 0x746F6E676B65  # "tongke": a number that no other program of the database uses
_WAIT_MS = "tongke_wait_ms"


class Database:
    """One open database. `read()` and `write()` give sessions; `close()` ends it."""

    def __init__(self, url: str) -> None:
        """`url` is an async SQLAlchemy URL. Raises `StartRefused` if it cannot be understood."""
        try:
            sqlite = url.startswith("sqlite")
            self._engine = create_async_engine(
                url,
                hide_parameters=True,  # an error's text must hold no hash of a password
                pool_pre_ping=not sqlite,
                pool_timeout=WAIT_S,
                connect_args={"factory": _Undoing} if sqlite else {"timeout": WAIT_S},
            )
        except Exception as error:  # a wrong URL raises what its dialect pleases
            # Its words are not told: of a password with a slash in it they hold a part.
            why = type(error).__name__
            raise StartRefused(
                f"The setting database_url cannot be used ({why}). It is like postgresql+asyncpg://"
                "tongke:PASSWORD@10.0.0.5:5432/tongke; in the password write %40 for @, %2F for /, "
                "%3A for :, %25 for %.",
                f"设置 database_url 无法使用（{why}）。应像 postgresql+asyncpg://"
                "tongke:PASSWORD@10.0.0.5:5432/tongke 这样；密码中的 @ 写作 %40，/ 写作 %2F，"
                ": 写作 %3A，% 写作 %25。",
            ) from None
        self.name = self._engine.dialect.name
        self._sqlite = self.name == "sqlite"
        if self._sqlite:
            event.listen(self._engine.sync_engine, "connect", self._sqlite_connected)
            event.listen(self._engine.sync_engine, "begin", _sqlite_begin)
        self.info: dict[str, Any] = {}  # what every session of this database carries as its `info`
        # Whoever reads sees one moment, as SQLite's readers do by themselves.
        reader = self._engine.execution_options(
            **({} if self._sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._sessions = async_sessionmaker(reader, expire_on_commit=False, info=self.info)
        writer = self._engine.execution_options(**{_WRITE: True})
        self._writers = async_sessionmaker(writer, expire_on_commit=False, info=self.info)
        self._turn = asyncio.Lock()
        file = self._engine.url.database if self._sqlite else None
        self._file = Path(file) if file else None
        self._opened: tuple[int, int] | None = None  # device and inode of the file
        self._threads: WeakSet[threading.Thread] = WeakSet()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads. Raises `DatabaseRefused`."""
        with refusals_told():
            async with self._sessions() as session:
                await _connect(session)
                yield session

    @asynccontextmanager
    async def write(self, *, wait_s: float | None = None) -> AsyncIterator[AsyncSession]:
        """A session whose transaction is committed at the end, or undone by any exception.

        Raises `DatabaseRefused` when it is not this writer's turn within `wait_s` (`WAIT_S`), or
        when the database cannot take it; nothing is written then.
        """
        longest_s = WAIT_S if wait_s is None else wait_s
        with refusals_told():
            async with self._my_turn(longest_s) as left_s, self._writers.begin() as session:
                await _connect(session, wait_ms=round(left_s * 1000))
                if not self._sqlite:
                    await _take_turn(session, longest_s)
                yield session

    @asynccontextmanager
    async def _my_turn(self, wait_s: float) -> AsyncIterator[float]:
        """What is left of the wait, when it is this writer's turn among ours."""
        if not self._sqlite:
            yield wait_s  # they stand in one line with those of other servers (`_take_turn`)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        try:
            async with asyncio.timeout_at(until):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseRefused(Cause.BUSY) from None
        try:
            yield max(0.0, until - loop.time())
        finally:
            self._turn.release()

    async def migrate(self) -> None:
        """Bring the tables to this program's version; raises `StartRefused` if that fails."""
        try:
            async with self._engine.connect() as connection:
                found = await connection.run_sync(_version)
            self._opened = self._on_disk()
            if found == HEAD:
                return
            async with self._writers.kw["bind"].begin() as connection:
                await connection.run_sync(upgrade)
        except DBAPIError as error:
            refused = StartRefused if cause_of(error) is None else StartPutOff
            raise refused(
                f"The database ({self._engine.url.render_as_string()}) cannot be used: "
                f"{error.orig}. Check the database_url setting, the rights of the file and the "
                "free space.",
                f"数据库（{self._engine.url.render_as_string()}）无法使用：{error.orig}。"
                "请检查设置 database_url、文件的权限和剩余空间。",
            ) from None
        except OSError as error:
            raise StartPutOff(
                f"The database of the setting database_url cannot be reached: {error}. See that it "
                "runs, and that host and port are right.",
                f"无法连接设置 database_url 中的数据库：{error}。请确认它在运行，主机和端口正确。",
            ) from None

    @property
    def moved(self) -> bool:
        """Whether SQLite's file no longer stands where it was opened: moved, deleted, replaced.

        What is written then goes where nobody looks for it; only a restart helps.
        """
        return self._on_disk() != self._opened

    def _on_disk(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

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
        record.info[_WAIT_MS] = round(WAIT_S * 1000)
        _sqlite_connect(connection, wait_ms=record.info[_WAIT_MS])
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


async def _take_turn(session: AsyncSession, wait_s: float) -> None:
    """PostgreSQL's turn among the writers of all servers, until the transaction ends."""
    wait_ms = max(1, round(wait_s * 1000))  # 0 would be for ever
    await session.execute(select(func.set_config("lock_timeout", str(wait_ms), True)))
    await session.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))


async def _connect(session: AsyncSession, *, wait_ms: int | None = None) -> None:
    """Begin at once, so that a database that is not there says so here. Raises `DatabaseRefused`.

    `wait_ms` is how long SQLite waits for another process's lock.
    """
    try:
        await session.connection(execution_options={_WAIT_MS: wait_ms})
    except OSError as error:
        raise DatabaseRefused(Cause.AWAY) from error


def _version(connection: Connection) -> str | None:
    """The schema version the database stands at, without importing Alembic (0.2 s) for it."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _sqlite_connect(connection: Any, *, wait_ms: int) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see `_sqlite_begin`
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",  # safe against a crash of the program; WAL keeps the file whole
        "foreign_keys=ON",
        f"busy_timeout={wait_ms:d}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(_WRITE, False):
        connection.exec_driver_sql("BEGIN")
        return
    wait_ms = options.get(_WAIT_MS)
    # Most have had their turn at once: the question of 50 ms is not worth a way to the thread.
    if wait_ms is not None and abs(connection.info[_WAIT_MS] - wait_ms) > 50:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms:d}")
        connection.info[_WAIT_MS] = wait_ms
    connection.exec_driver_sql("BEGIN IMMEDIATE")
