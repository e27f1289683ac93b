"""Is there free space on a folder's disk, and may we write there: the question of `/readyz`.

A full disk says so before the last byte is gone: what a database writes by itself (its log, a
checkpoint) needs some.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal

# What SQLite's log grows to before it is taken up into the database (4 MiB), twice.
LEAST_FREE_BYTES = 8 << 20

# A quota is not told by the file system's numbers: only a write shows it.
_PROBE_BYTES = 4096

Space = Literal["ok", "full", "not writable"]


def free_bytes(path: Path) -> int:
    """What we may still write to this folder's disk. Raises `OSError`."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def space_in(path: Path, *, least_bytes: int = LEAST_FREE_BYTES) -> Space:
    """Whether the folder's disk has at least that much free, and takes what we write."""
    probe = path / f".probe-{os.getpid()}"
    try:
        if free_bytes(path) < least_bytes:
            return "full"
        try:
            probe.write_bytes(bytes(_PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        return "full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "not writable"
    return "ok"
