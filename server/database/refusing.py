"""What it means when the database refuses: busy, full, away; and what the person who asked is told.

Every session of `engine.Database` turns its driver's errors into `DatabaseRefused` here, so that
nobody else knows SQLite's codes or PostgreSQL's. What breaks a rule of the tables
(`IntegrityError`) or is a fault of ours passes as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.errors import Refusal, Text


class Cause(Enum):
    """Why: the code of the refusal, when to try again (seconds), and the words."""

    BUSY = (
        "database-busy",
        2.0,
        "数据库正被占用，请稍后再试。",
        "The database is busy. Try again in a moment.",
    )
    FULL = (
        "disk-full",
        10.0,
        "服务器的磁盘已满，暂时无法保存。请联系管理员清理磁盘。",
        "The server's disk is full and nothing can be saved. Ask the administrator to free space.",
    )
    AWAY = (
        "database-away",
        5.0,
        "数据库暂时无法使用，请稍后再试。",
        "The database cannot be used at the moment. Try again later.",
    )


class DatabaseRefused(Refusal):
    """The database did nothing; the same may be tried again. Answered with 503 and Retry-After."""

    def __init__(self, cause: Cause) -> None:
        code, retry_after_s, zh, en = cause.value
        super().__init__(503, code, Text(zh, en), retry_after_s=retry_after_s)
        self.cause = cause


_SQLITE = {
    sqlite3.SQLITE_BUSY: Cause.BUSY,
    sqlite3.SQLITE_LOCKED: Cause.BUSY,
    sqlite3.SQLITE_FULL: Cause.FULL,
    sqlite3.SQLITE_IOERR: Cause.AWAY,
    sqlite3.SQLITE_READONLY: Cause.AWAY,
    sqlite3.SQLITE_CANTOPEN: Cause.AWAY,
    sqlite3.SQLITE_PERM: Cause.AWAY,
}
# Extended codes that say more than their primary one (https://sqlite.org/rescode.html).
_SQLITE_EXTENDED = {sqlite3.SQLITE_IOERR_SHMSIZE: Cause.FULL}

# The classes of SQLSTATE (PostgreSQL, appendix A) that pass, and the states that say more.
_STATE_CLASSES = {"08": Cause.AWAY, "53": Cause.AWAY, "57": Cause.AWAY, "58": Cause.AWAY}
_STATES = {
    "53100": Cause.FULL,
    "40001": Cause.BUSY,
    "40P01": Cause.BUSY,
    "55P03": Cause.BUSY,
    "57014": Cause.BUSY,
}


def cause_of(error: Exception) -> Cause | None:
    """Why the database refused; None if it did not, but the question was wrong."""
    if isinstance(error, PoolTimeout):
        return Cause.BUSY
    if isinstance(error, OSError):  # no connection: asyncpg lets the socket's errors through
        return Cause.AWAY
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE_EXTENDED.get(code) or _SQLITE.get(code & 0xFF)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    found = _STATES.get(state) or _STATE_CLASSES.get(state[:2])
    return found or (Cause.AWAY if error.connection_invalidated else None)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Whatever in this block is the database's refusal comes out as `DatabaseRefused`."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        cause = cause_of(error)
        if cause is None:
            raise
        raise DatabaseRefused(cause) from error
