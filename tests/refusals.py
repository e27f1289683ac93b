"""What really refuses, for tests: a small disk that gets full, a database that another locks.

The disk is a tmpfs: its ENOSPC is the kernel's own. It goes when the test ends, however it ends.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

_MOUNT = """
mount -t tmpfs -o size=$2,mode=0700 tongke-test "$1" && echo mounted && cat >/dev/null
umount -l "$1"
"""

_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


class SmallDisk:
    """A folder on a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / ".ballast"

    def free_bytes(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Not a byte is left."""
        with self._ballast.open("ab") as ballast:
            while free := self.free_bytes():
                ballast.write(bytes(min(free, 1 << 20)))
                ballast.flush()

    def leave(self, free: int) -> None:
        """So many bytes are left, as far as a page allows."""
        self.fill()
        os.truncate(self._ballast, max(0, self._ballast.stat().st_size - free))

    def clear(self) -> None:
        """Someone has made room."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[SmallDisk]:
    """A file system of this size at `folder`. Skips the test where nobody may mount."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can only be mounted by root")
    folder.mkdir(parents=True, exist_ok=True)
    holder = subprocess.Popen(
        ["sh", "-c", _MOUNT, "mount", str(folder), f"{size_mib}m"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None and holder.stdout is not None and holder.stderr is not None
    with holder:
        if holder.stdout.readline() != "mounted\n":
            pytest.skip(f"mounting is not allowed here: {holder.stderr.read().strip()}")
        try:
            yield SmallDisk(folder)
        finally:
            holder.stdin.close()  # and should we be killed, the kernel closes it
            holder.wait()


@asynccontextmanager
async def locked(database: Path) -> AsyncIterator[None]:
    """Another process holds SQLite's lock for writing.

    It may have to wait for a write of ours that is under way, so the loop must go on meanwhile.
    """
    holder = subprocess.Popen(  # noqa: ASYNC220 - it starts in milliseconds
        [sys.executable, "-c", _LOCK, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None and holder.stdout is not None
    with holder:
        assert await asyncio.to_thread(holder.stdout.readline) == "locked\n"
        try:
            yield
        finally:
            holder.stdin.close()
            assert holder.wait() == 0
