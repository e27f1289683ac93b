"""A PostgreSQL server of the tests' own: Debian's program, a folder of its own, one Unix socket.

Nothing listens on the network, nothing outlives the tests. Its one database is migrated once and
emptied before each test that wants it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest

from server.database.engine import Database
from server.database.models import Base

START_TIMEOUT_S = 60
DATABASE = "tongke"
# What a test that wants a server or a database is given in turn.
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
# A crash of these tests' server loses nothing that anybody needs.
HASTY = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB"


def programs() -> Path | None:
    """The folder of the newest PostgreSQL that Debian has installed here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parent)
    return found[-1].parent if found else None


class PostgreSQL:
    """A running server; `url` is what Tongke's `database_url` takes."""

    def __init__(self, folder: Path, binaries: Path, as_user: list[str]) -> None:
        self._folder, self._binaries, self._as_user = folder, binaries, as_user
        self._migrated = False

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://tongke@/{DATABASE}?host={self._folder}"

    async def empty(self) -> str:
        """Its URL, once every table is there and has no row."""
        if not self._migrated:
            async with self._connected("postgres") as administration:
                await administration.execute(f"CREATE DATABASE {DATABASE}")
            database = Database(self.url)
            await database.migrate()
            await database.close()
            self._migrated = True
        # With so few rows this is many times as fast as TRUNCATE, which makes new files.
        tables = reversed(Base.metadata.sorted_tables)
        async with self._connected(DATABASE) as connection:
            await connection.execute("; ".join(str(table.delete()) for table in tables))
        return self.url

    @asynccontextmanager
    async def _connected(self, database: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(host=str(self._folder), user="tongke", database=database)
        try:
            yield connection
        finally:
            await connection.close()

    def control(self, *arguments: str) -> None:
        control = self._binaries / "pg_ctl"
        subprocess.run(
            [*self._as_user, control, "-w", "-D", self._folder / "data", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=START_TIMEOUT_S,
        )


@contextmanager
def running(binaries: Path) -> Iterator[PostgreSQL]:
    """A server for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="tongke-pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = [
            "setpriv",
            f"--reuid={owner.pw_uid}",
            f"--regid={owner.pw_gid}",
            "--clear-groups",
        ]
    server = PostgreSQL(folder, binaries, as_user)
    folder.chmod(0o711)
    try:
        server.control("initdb", "-o", "-U tongke -A trust -E UTF8 --locale=C.UTF-8 --no-sync")
        server.control(
            "start",
            "-l",
            str(folder / "log"),
            "-o",
            f"-c listen_addresses='' -c unix_socket_directories={folder} "
            f"-c unix_socket_permissions=0777 {HASTY}",
        )
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
