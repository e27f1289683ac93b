"""Who may read what the server keeps: the user it runs as, nobody else of the machine.

Owns the rule (files 0600, folders 0700, whatever the umask and the folder were) and its mending
in folders that an earlier version, a copy or an `mkdir` left open. New files follow from the
umask, which child processes inherit: SQLite, PyAV and every `open()` obey it without being asked.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url

_OTHERS = 0o077
_log = structlog.get_logger("tongke.files")


def keep_new_files_private() -> None:
    """From now on this process and its children make files for their own user alone."""
    os.umask(_OTHERS)


def close_to_others(path: Path) -> None:
    """Take from all others what they may do with this file or folder, if it is there.

    What is not ours (another's, or a link) stays as it is, and so does a folder that belongs to
    many (sticky, like `/tmp`). A file system that does not do it is told in the log.
    """
    try:
        found = path.lstat()
        ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
        if not ours or not _is_open(found) or stat.S_ISLNK(found.st_mode):
            return
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
    except FileNotFoundError:
        return
    except OSError as error:  # a file system without modes, or one that is mounted for all
        _log.warning("others of this machine may read a file", path=str(path), why=error.strerror)
        return
    if path.lstat().st_mode & _OTHERS:
        _log.warning("others of this machine may read a file", path=str(path), why="no effect")


def close_folder(folder: Path) -> None:
    """`close_to_others`, for `folder` and what lies directly in it."""
    close_to_others(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            close_to_others(Path(entry.path))


def database_files(url: str) -> list[Path]:
    """The files of an SQLite database, wherever it lies; none for other databases."""
    found = make_url(url)
    if found.get_backend_name() != "sqlite" or not found.database:
        return []
    return [Path(found.database + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def close_recordings(folder: Path) -> Iterator[Path]:
    """The same for each recording in `folder`, through all its levels; gives those it closed.

    An archive is large: a recording is walked only while its own folder is open to others, and
    that is closed last, so that a walk cut short is made anew at the next start.
    """
    for recording in list(os.scandir(folder)):
        try:
            if not recording.is_dir(follow_symlinks=False) or not _is_open(recording.stat()):
                continue
            for below, folders, files in os.walk(recording.path, topdown=False):
                for name in (*files, *folders):
                    close_to_others(Path(below) / name)
        except FileNotFoundError:  # deleted meanwhile
            continue
        close_to_others(Path(recording.path))
        yield Path(recording.path)


def _is_open(found: os.stat_result) -> bool:
    return bool(stat.S_IMODE(found.st_mode) & _OTHERS)
