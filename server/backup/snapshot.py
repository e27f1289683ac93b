"""The database as it is at one moment, while others write to it; and whether such a copy is whole.

SQLite's own online backup in one step: it reads one snapshot of the write-ahead log, waits for
nobody and keeps nobody waiting (https://sqlite.org/backup.html).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from server.backup.errors import BackupDamaged
from server.errors import StartRefused

_WAIT_S = 10.0  # for the moment in which a server that starts migrates its tables


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a database, for people to see that it is theirs."""

    schema_version: str
    lessons: int
    recordings: int
    people: int


def schema_of(source: Path) -> str:
    """The schema version a database stands at: a newer program may not have started it yet.

    Raises `StartRefused` when it cannot be read.
    """
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{_quoted(source)}?mode=rw", uri=True, timeout=_WAIT_S)
        ) as opened:
            (version,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise _not_copied(source, error) from None
    return str(version)


def copy_database(source: Path, target: Path) -> None:
    """Write a copy of `source` to `target`, which must not exist.

    Raises `StartRefused` when it cannot be read.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"file:{_quoted(source)}?mode=rw", uri=True, timeout=_WAIT_S)
            ) as opened,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            opened.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without its log beside it
    except sqlite3.Error as error:
        raise _not_copied(source, error) from None


def _not_copied(source: Path, error: Exception) -> StartRefused:
    return StartRefused(
        f"The database {source} cannot be copied: {error}.",
        f"无法复制数据库 {source}：{error}。",
    )


def give_to_owner(folder: Path, files: list[Path]) -> None:
    """What root opened in somebody's folder shall be its owner's, who must open it next."""
    if os.geteuid() != 0:
        return
    owner = folder.stat()
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            if file.lstat().st_uid != owner.st_uid:
                os.chown(file, owner.st_uid, owner.st_gid, follow_symlinks=False)


def look_into(path: Path) -> Contents:
    """Every page and every reference of a copy is looked at. Raises `BackupDamaged`."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as copy:
            (told,) = copy.execute("PRAGMA integrity_check").fetchone()
            if told != "ok":
                raise BackupDamaged(
                    f"its database is damaged: {told}", f"其中的数据库已损坏：{told}"
                )
            if (row := copy.execute("PRAGMA foreign_key_check").fetchone()) is not None:
                raise BackupDamaged(
                    f"its database is damaged: a row of {row[0]} hangs on nothing",
                    f"其中的数据库已损坏：{row[0]} 中有一行所指的内容不存在",
                )
            (version,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            counts = [
                copy.execute(f"SELECT count(*) FROM {table} WHERE deleted_at IS NULL").fetchone()[0]  # noqa: S608 - ours
                for table in ("lessons", "recordings", "users")
            ]
    except sqlite3.Error as error:
        raise BackupDamaged(
            f"its database cannot be read: {error}", f"无法读取其中的数据库：{error}"
        ) from None
    return Contents(str(version), *counts)


def end_live_lessons(path: Path, at: float) -> int:
    """Lessons that were live in a copy have ended then; gives how many."""
    with contextlib.closing(sqlite3.connect(path)) as copy, copy:
        ended = copy.execute(
            "UPDATE lessons SET state='ended', ended_at=?, end_reason='by-server' "
            "WHERE state='live'",
            (at,),
        ).rowcount
        copy.execute("DELETE FROM lesson_states")
    return ended


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
