"""A small file whose room on the disk is taken beforehand, so that it can be written on a full one.

Lines as in a recording's journal (JSON with a CRC), written in place over the ones before; the
rest is zeros. A write torn by a crash leaves the lines up to where it came. File systems that
never write in place (btrfs, ZFS) may refuse all the same: then `save` raises `OSError`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from recorder.journal import encode_line, read_journal


class SpareFile:
    """Made at once, with all its room."""

    def __init__(self, path: Path, *, size: int) -> None:
        """Raises `OSError` when there is no room for it."""
        self._path = path
        self._size = size
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            at = os.fstat(handle).st_size
            # Written, not only set aside: then no file system has anything left to find room for.
            while at < size:
                at += os.pwrite(handle, bytes(size - at), at)
            os.fsync(handle)
        finally:
            os.close(handle)

    def load(self) -> list[dict[str, object]]:
        """What was saved last, in order."""
        return list(read_journal(self._path.read_bytes().rstrip(b"\0")).records)

    def save(self, records: Sequence[Mapping[str, object]]) -> int:
        """Replace what is there by the first of `records`, as many as there is room for.

        Gives how many these are; when this returns they are on the disk.
        """
        lines = b""
        kept = 0
        for record in records:
            line = encode_line(record)
            if len(lines) + len(line) > self._size:
                break
            lines += line
            kept += 1
        handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            content = memoryview(lines.ljust(self._size, b"\0"))
            at = 0
            while at < self._size:
                at += os.pwrite(handle, content[at:], at)
            os.fsync(handle)
        finally:
            os.close(handle)
        return kept
