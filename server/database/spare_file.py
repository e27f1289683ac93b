"""A small file whose room on the disk is taken beforehand, so that it can be written on a full one.

It has two halves, and what is saved goes over the older: a write torn by a crash, wherever, leaves
what was saved before. A half is lines as in a recording's journal (JSON with a CRC), of which the
first says how many have been saved before it, and the CRC of all that follow. File systems that
never write in place (btrfs, ZFS) may refuse all the same: then `save` raises `OSError`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.journal import encode_line, read_journal

_NUMBER, _CONTENT = "save", "content"


@dataclass(frozen=True, slots=True)
class _Half:
    """What one half holds; number 0 is what was there before the first save."""

    number: int
    records: list[dict[str, object]]


class SpareFile:
    """Made at once, with all its room."""

    def __init__(self, path: Path, *, size: int) -> None:
        """`size` is a half's. Raises `OSError` when there is no room for it."""
        self._path = path
        self._size = size
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            at = os.fstat(handle).st_size
            # Written, not only set aside: then no file system has anything left to find room for.
            while at < 2 * size:
                at += os.pwrite(handle, bytes(2 * size - at), at)
            os.fsync(handle)
        finally:
            os.close(handle)

    def load(self) -> list[dict[str, object]]:
        """What was saved last, in order."""
        return max(self._halves(), key=lambda half: half.number).records

    def save(self, records: Sequence[Mapping[str, object]]) -> int:
        """Replace what is there by the first of `records`, as many as there is room for.

        Gives how many these are; when this returns they are on the disk. Whenever it ends before,
        `load` gives these or what was there.
        """
        first, second = (half.number for half in self._halves())
        number = max(first, second) + 1
        room = self._size - len(_head(number, b""))
        lines = b""
        kept = 0
        for record in records:
            line = encode_line(record)
            if len(lines) + len(line) > room:
                break
            lines += line
            kept += 1
        # With neither saved yet the first half may be what an earlier version left: see `_read`.
        self._write(0 if second > first else self._size, _head(number, lines) + lines)
        return kept

    def _write(self, at: int, content: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            left = memoryview(content.ljust(self._size, b"\0"))
            while left:
                written = os.pwrite(handle, left, at)
                at, left = at + written, left[written:]
            os.fsync(handle)
        finally:
            os.close(handle)

    def _halves(self) -> tuple[_Half, _Half]:
        data = self._path.read_bytes()
        return _read(data[: self._size]), _read(data[self._size :])


def _head(number: int, lines: bytes) -> bytes:
    return encode_line({_NUMBER: number, _CONTENT: f"{zlib.crc32(lines):08x}"})


def _read(half: bytes) -> _Half:
    """A torn half holds nothing. One without a first line of ours is an earlier version's file."""
    content = half.rstrip(b"\0")
    head, newline, lines = content.partition(b"\n")
    said = next(iter(read_journal(head + newline).records), {})
    number = said.get(_NUMBER)
    if isinstance(number, int) and number > 0:
        whole = content == _head(number, lines) + lines
        return _Half(number, list(read_journal(lines).records)) if whole else _Half(0, [])
    return _Half(0, [one for one in read_journal(content).records if _CONTENT not in one])
