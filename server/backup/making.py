"""Making a backup of a server that runs, or of one that does not.

Owns what goes in and in which order. The database first, at one moment; then the files, which only
grow or are replaced whole. What came after that moment (a recording that was finished meanwhile) is
found by the next start as after a crash: recordings are known by their folders. So their mark that
the database knows them goes in only where it stood before the copy was made.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from server.accounts.first_start import ADDRESS_FILE
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
from server.recordings.object_store import BROUGHT

# Of a place and a moment: the lock, how it listens. Made again at each start, or at a wish.
_NOT_KEPT = {"lock", "listening.json", ADDRESS_FILE}
_COPY = ".backup-"
_COPY_IS_OLD_S = 86_400.0  # no copy of a database takes a day
# What is made at a wish, or fetched for a while.
_MADE_AGAIN = (LESSON_FILES, BROUGHT)
_NAMED_FILES = ("tls_cert", "tls_key", "turn_secret_file", "store_keys_file", "profiles_folder")


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written, and read again whole."""

    about: About
    files: int
    size: int  # bytes
    contents: Contents | None
    links: tuple[Path, ...] = ()  # what was left out: where a link leads is not looked at


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
    _refuse_place(settings, target)
    _forget_old_copies(settings.data_folder, now)
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
        recordings_folder=_named_recordings(settings) if recordings else "",
    )
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            writer = BackupWriter(stream)
            writer.add_bytes(ABOUT, about.model_dump_json(indent=1).encode(), at=now)
            count, links = _fill(writer, settings, files, elsewhere, (recordings, database))
            writer.finish()
            stream.flush()
            os.fsync(stream.fileno())
        contents = check_backup(unfinished)
        unfinished.rename(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return Made(about, count, writer.size, contents, tuple(links))


def _refuse_place(settings: Settings, target: Path) -> None:
    """A backup in a folder that it copies would hold itself, and each next one all before it."""
    if target.is_dir():
        raise StartRefused(
            f"{target} is a folder. Give the backup's file, like {target / 'tongke.tar'}.",
            f"{target} 是文件夹。请写出备份文件，如 {target / 'tongke.tar'}。",
        )
    place = target.parent.resolve()
    named = (("data_folder", settings.data_folder), ("recordings_folder", settings.recordings))
    for name, folder in named:
        if place.is_relative_to(folder.resolve()):
            raise StartRefused(
                f"The backup would lie in the folder {folder} ({name}), which it copies, and be "
                "lost with it. Put it elsewhere, best on another disk.",
                f"备份会放在它要备份的文件夹 {folder}（{name}）之中，并随它一起丢失。"
                "请放到别处，最好是另一块磁盘。",
            )


def _forget_old_copies(data_folder: Path, now: float) -> None:
    """Copies of the database that a backup left when it was killed."""
    for left in data_folder.glob(f"{_COPY}*"):
        with contextlib.suppress(OSError):
            if now - left.stat().st_mtime > _COPY_IS_OLD_S:
                shutil.rmtree(left, ignore_errors=True)


def _named_recordings(settings: Settings) -> str:
    archive = settings.recordings.resolve()
    return "" if archive.is_relative_to(settings.data_folder.resolve()) else str(archive)


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
) -> tuple[int, list[Path]]:
    """How many files went in, and which links did not."""
    recordings, database = wanted
    links: list[Path] = []
    archive = settings.recordings.resolve()
    filed = {path.parent for path in archive.glob(f"*/{FILED}")} if recordings else set()
    count = 0
    if database:
        with tempfile.TemporaryDirectory(prefix=_COPY, dir=settings.data_folder) as folder:
            copy = Path(folder) / DATABASE
            copy_database(files[0], copy)
            give_to_owner(settings.data_folder, files)
            count += writer.add_file(DATABASE, copy)

    def kept(path: Path) -> bool:
        if path.name.startswith((".probe-", _COPY)) or path.resolve() == archive:
            return False
        return path.resolve() not in files and path not in _top(settings.data_folder)

    for path in _files(settings.data_folder.resolve(), kept, links):
        name = path.relative_to(settings.data_folder.resolve())
        count += writer.add_file(f"{DATA}/{name.as_posix()}", path)
    if recordings and archive.is_dir():
        for path in _recorded(archive, links):
            if path.name == FILED and path.parent not in filed:
                continue
            name = path.relative_to(archive)
            count += writer.add_file(f"{RECORDINGS}/{name.as_posix()}", path)
    for setting, root in elsewhere.items():
        paths = _files(root, lambda one: True, links) if root.is_dir() else [root.resolve()]
        for path in paths:
            below = path.relative_to(root).as_posix() if root.is_dir() else root.name
            count += writer.add_file(f"{ELSEWHERE}/{setting}/{below}", path)
    return count, links


def _recorded(archive: Path, links: list[Path]) -> Iterator[Path]:
    """Of every recording, those on further disks too: they stand here as links."""
    further = [place for place in sorted(archive.iterdir()) if place.is_symlink()]
    further = [place for place in further if place.is_dir()]
    yield from _files(
        archive, lambda one: one.name not in _MADE_AGAIN and one not in further, links
    )
    for place in further:
        yield from _files(place, lambda _: True, links)


def _top(folder: Path) -> set[Path]:
    return {folder.resolve() / name for name in _NOT_KEPT}


def _elsewhere(settings: Settings, config_file: Path | None) -> Iterator[tuple[str, Path]]:
    """What settings name outside the data folder, and the settings file itself."""
    data = settings.data_folder.resolve()
    named = [(name, getattr(settings, name)) for name in _NAMED_FILES]
    for name, path in [*named, ("settings", config_file)]:
        if path is not None and path.exists() and not path.resolve().is_relative_to(data):
            yield name, path.resolve() if path.is_dir() else path


def _files(folder: Path, kept: Callable[[Path], bool], links: list[Path]) -> Iterator[Path]:
    """The plain files below a folder, in order. Sockets are left out; so are links, noted."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:  # deleted meanwhile
        return
    for entry in entries:
        path = Path(entry.path)
        if not kept(path):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(path, kept, links)
        elif entry.is_file(follow_symlinks=False):
            yield path
        elif entry.is_symlink():
            links.append(path)
