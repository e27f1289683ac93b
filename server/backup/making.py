"""Making a backup of a server that runs, or of one that does not.

Owns what goes in and in which order. The database first, at one moment; then the files, which only
grow or are replaced whole. What came after that moment (a recording that was finished meanwhile) is
found by the next start as after a crash: recordings are known by their folders. So their mark that
the database knows them goes in only where it stood before the copy was made.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from server.backup.archive import (
    ABOUT,
    DATA,
    DATABASE,
    ELSEWHERE,
    FORMAT,
    RECORDINGS,
    About,
    BackupWriter,
    read_backup,
)
from server.backup.snapshot import Contents, copy_database, give_to_owner, look_into, schema_of
from server.config import Settings
from server.database.migrations import HEAD
from server.database.private_files import database_files
from server.errors import StartRefused
from server.recordings.leftovers import FILED
from server.recordings.lesson_files import LESSON_FILES

# Of a place and a moment: the lock, how it listens. Made again at each start, or at a wish.
_NOT_KEPT = {"lock", "listening.json"}
_NAMED_FILES = ("tls_cert", "tls_key", "turn_secret_file", "profiles_folder")


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written, and read again whole."""

    about: About
    files: int
    size: int  # bytes
    contents: Contents | None


def make_backup(
    settings: Settings,
    target: Path,
    *,
    now: float,
    version: str,
    config_file: Path | None = None,
    recordings: bool = True,
    database: bool = True,
) -> Made:
    """Write `target` (under another name until it is whole), and read it again.

    Raises `StartRefused`, `BackupDamaged` when what was read is not what was written, OSError.
    """
    files = [path.resolve() for path in database_files(settings.database)]
    if database and not files:
        name = make_url(settings.database).get_backend_name()
        raise StartRefused(
            f"The database is {name}: it has a backup of its own (pg_dump). With "
            "--without-database everything else is backed up.",
            f"数据库是 {name}：请用它自己的备份工具（pg_dump）。"
            "加上 --without-database 可备份其余一切。",
        )
    unfinished = target.with_name(f".{target.name}.unfinished")
    elsewhere = dict(_elsewhere(settings, config_file))
    about = About(
        format=FORMAT,
        version=version,
        schema_version=schema_of(files[0]) if database else HEAD,
        made_at=now,
        with_recordings=recordings,
        with_database=database,
        elsewhere={f"{ELSEWHERE}/{name}": str(path) for name, path in elsewhere.items()},
    )
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            writer = BackupWriter(stream)
            writer.add_bytes(ABOUT, about.model_dump_json(indent=1).encode(), at=now)
            count = _fill(writer, settings, files, elsewhere, (recordings, database))
            writer.finish()
            stream.flush()
            os.fsync(stream.fileno())
        contents = check_backup(unfinished)
        unfinished.rename(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return Made(about, count, writer.size, contents)


def check_backup(path: Path) -> Contents | None:
    """Read a backup whole: every digest, and its database as a database.

    None where it holds no database. Raises `BackupDamaged`.
    """
    with tempfile.TemporaryDirectory(prefix="tongke-backup-", dir=path.parent) as folder:
        copy = Path(folder) / DATABASE

        def take(_about: About, name: str, pieces: Iterator[bytes], _mode: int) -> None:
            if name == DATABASE:
                with copy.open("wb") as file:
                    file.writelines(pieces)

        read_backup(path, take)
        return look_into(copy) if copy.exists() else None


def _fill(
    writer: BackupWriter,
    settings: Settings,
    files: list[Path],
    elsewhere: dict[str, Path],
    wanted: tuple[bool, bool],
) -> int:
    recordings, database = wanted
    archive = settings.recordings.resolve()
    filed = {path.parent for path in archive.glob(f"*/{FILED}")} if recordings else set()
    count = 0
    if database:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=settings.data_folder) as folder:
            copy = Path(folder) / DATABASE
            copy_database(files[0], copy)
            give_to_owner(settings.data_folder, files)
            count += writer.add_file(DATABASE, copy)

    def kept(path: Path) -> bool:
        if path.name.startswith((".probe-", ".backup-")) or path == archive:
            return False
        return path not in files and path not in _top(settings.data_folder)

    for path in _files(settings.data_folder.resolve(), kept):
        name = path.relative_to(settings.data_folder.resolve())
        count += writer.add_file(f"{DATA}/{name.as_posix()}", path)
    if recordings and archive.is_dir():
        for path in _files(archive, lambda one: one.name != LESSON_FILES):
            if path.name == FILED and path.parent not in filed:
                continue
            name = path.relative_to(archive)
            count += writer.add_file(f"{RECORDINGS}/{name.as_posix()}", path)
    for setting, root in elsewhere.items():
        paths = _files(root, lambda one: True) if root.is_dir() else [root.resolve()]
        for path in paths:
            below = path.relative_to(root).as_posix() if root.is_dir() else root.name
            count += writer.add_file(f"{ELSEWHERE}/{setting}/{below}", path)
    return count


def _top(folder: Path) -> set[Path]:
    return {folder.resolve() / name for name in _NOT_KEPT}


def _elsewhere(settings: Settings, config_file: Path | None) -> Iterator[tuple[str, Path]]:
    """What settings name outside the data folder, and the settings file itself."""
    data = settings.data_folder.resolve()
    named = [(name, getattr(settings, name)) for name in _NAMED_FILES]
    for name, path in [*named, ("settings", config_file)]:
        if path is not None and path.exists() and not path.resolve().is_relative_to(data):
            yield name, path.resolve() if path.is_dir() else path


def _files(folder: Path, kept: Callable[[Path], bool]) -> Iterator[Path]:
    """The plain files below a folder, in order; links and sockets are left out."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:  # deleted meanwhile
        return
    for entry in entries:
        path = Path(entry.path)
        if not kept(path):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(path, kept)
        elif entry.is_file(follow_symlinks=False):
            yield path
