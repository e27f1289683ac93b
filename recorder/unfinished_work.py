"""What is written aside until it is whole, held by who writes it: what nobody holds is left over.

A process that is killed removes nothing. So each holds a lock on its file or folder, which the
kernel lets go with the process; whoever comes next to the same place removes what has no holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path


def hold(path: Path) -> int:
    """Say that somebody is at work on it, until the descriptor is closed. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # a file system without locks: nothing is swept there either
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return handle


def sweep(folder: Path, *, begins: str, ends: str = "") -> None:
    """Remove what has such a name and no holder; what cannot be removed stays."""
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.name.startswith(begins) and path.name.endswith(ends) and not path.is_symlink()
        ]
    except OSError:
        return
    for path in found:
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            finally:
                os.close(handle)
