"""Putting a backup back: into a data folder that is empty, all of it or nothing.

Owns where each part goes and what a copy may not go on with: lessons that were live in it have
ended when it was made, unless its rooms shall find them here (a machine that takes another's
place at once).
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from server.backup.archive import DATA, DATABASE, ELSEWHERE, FORMAT, RECORDINGS, About, read_backup
from server.backup.errors import BackupDamaged
from server.backup.snapshot import Contents, end_live_lessons, look_into
from server.database.data_folder import UNFINISHED_RESTORE, DataFolder
from server.database.migrations import HEAD
from server.errors import StartRefused

ASIDE = "restored"  # in the data folder: what lay elsewhere


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. `elsewhere` says for each file that lay outside where it is now."""

    about: About
    contents: Contents | None
    lessons_ended: int
    elsewhere: dict[str, Path] = field(default_factory=dict)


def restore_backup(
    path: Path, data_folder: Path, recordings: Path, *, keep_live: bool = False
) -> Restored:
    """Fill an empty data folder (and recordings folder) from a backup.

    Raises `StartRefused` when something stands there or the backup is a newer version's,
    `BackupDamaged`, OSError; then nothing was put back.
    """
    owner = data_folder.stat() if data_folder.is_dir() else None
    _refuse_full(data_folder, but={"lock"})
    if recordings.resolve() != (data_folder / RECORDINGS).resolve():
        _refuse_full(recordings, but=set())
    lock = DataFolder(data_folder)
    unfinished = data_folder / f"{UNFINISHED_RESTORE}{secrets.token_hex(4)}"
    try:
        unfinished.mkdir(mode=0o700)
        about = read_backup(path, lambda *each: _take(unfinished, *each))
        copy = unfinished / DATABASE
        contents, ended = None, 0
        if copy.exists():
            contents = look_into(copy)
            if not keep_live:
                ended = end_live_lessons(copy, about.made_at)
        if owner is not None and os.geteuid() == 0:
            _give(unfinished, owner.st_uid, owner.st_gid)
        elsewhere = _put(unfinished, about, data_folder, recordings)
        if owner is not None and os.geteuid() == 0 and recordings.is_dir():
            os.chown(recordings, owner.st_uid, owner.st_gid)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        lock.close()
    if owner is not None and os.geteuid() == 0:
        os.chown(data_folder / "lock", owner.st_uid, owner.st_gid)
    return Restored(about, contents, ended, elsewhere)


def _refuse_full(folder: Path, *, but: set[str]) -> None:
    if folder.is_dir() and {each.name for each in folder.iterdir()} - but:
        raise StartRefused(
            f"The folder {folder} is not empty. Restore into an empty one: move away what "
            "is there, or name another with --data-folder.",
            f"文件夹 {folder} 不是空的。请恢复到空文件夹：把其中的内容移走，"
            "或用 --data-folder 另指定一个。",
        )


def _take(folder: Path, about: About, name: str, pieces: Iterator[bytes], mode: int) -> None:
    if about.format != FORMAT or (about.with_database and about.schema_version > HEAD):
        raise StartRefused(
            f"The backup was made by a newer Tongke ({about.version}). Install that version, or a "
            "newer one, and restore with it.",
            f"该备份由较新版本的同课（{about.version}）创建。请安装该版本或更新的版本后再恢复。",
        )
    place, *below = PurePosixPath(name).parts
    if name != DATABASE and (place not in {DATA, RECORDINGS, ELSEWHERE} or not below):
        raise BackupDamaged(
            f"{name!r} does not belong into a backup", f"其中的 {name!r} 不属于备份"
        )
    target = folder / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, (mode | 0o600) & 0o700)
    with os.fdopen(handle, "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _put(unfinished: Path, about: About, data_folder: Path, recordings: Path) -> dict[str, Path]:
    """Everything to its place, or nothing: what stands there when it fails is taken away again."""
    done: list[Path] = []
    try:
        return _put_each(unfinished, about, data_folder, recordings, done)
    except BaseException:
        for each in done:
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)
        raise


def _put_each(
    unfinished: Path, about: About, data_folder: Path, recordings: Path, done: list[Path]
) -> dict[str, Path]:
    for part in _children(unfinished / DATA):
        target = data_folder / part.name
        if part.name == "lock":  # it is held, and belongs to the place
            continue
        done.append(target)
        part.rename(target)
    found: dict[str, Path] = {}
    if (unfinished / RECORDINGS).is_dir():
        recordings.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in _children(unfinished / RECORDINGS):
            done.append(recordings / part.name)
            shutil.move(part, recordings / part.name)  # perhaps to another disk
        if about.recordings_folder not in {"", str(recordings.resolve())}:
            found[about.recordings_folder] = recordings
    if (unfinished / ELSEWHERE).is_dir():
        aside = _aside(data_folder)
        done.append(aside)
        (unfinished / ELSEWHERE).rename(aside)
        for name, lay in about.elsewhere.items():
            place, *below = PurePosixPath(name).parts
            if place == ELSEWHERE and len(below) == 1 and (aside / below[0]).exists():
                found[lay] = aside / below[0]
    if (unfinished / DATABASE).exists():  # the last: a folder without it is no server's yet
        done.append(data_folder / DATABASE)
        (unfinished / DATABASE).rename(data_folder / DATABASE)
    return found


def _aside(data_folder: Path) -> Path:
    """`restored`, or where that one came from an earlier restore `restored-2`, …"""
    names = itertools.chain([ASIDE], (f"{ASIDE}-{number}" for number in itertools.count(2)))
    return next(path for name in names if not os.path.lexists(path := data_folder / name))


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _give(folder: Path, user: int, group: int) -> None:
    for root, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(Path(root) / name, user, group, follow_symlinks=False)
