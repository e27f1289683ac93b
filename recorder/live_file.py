"""A track's file as its reader may see it: cut to its last whole fragment, and read only.

While a lesson runs its files are only appended to, so a crash tears at most their tail. The file on
the disk is never changed here: what is torn stays there as evidence.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from recorder.clusters import whole_clusters
from recorder.fragments import whole_fragments

# What a fragment begins with; more than one of them in what is cut off is no torn tail.
_BEGINNINGS = {".mp4": b"moof", ".webm": b"\x1f\x43\xb6\x75"}
_WALKERS = {".mp4": whole_fragments, ".webm": whole_clusters}

_CHUNK_BYTES = 1 << 20


class LiveFile(io.RawIOBase):
    """The whole part of a file. `whole_bytes` is 0 when there is not even a header."""

    def __init__(self, path: Path) -> None:
        """Opens. Raises `OSError`; `ValueError` for a file that is none of a recorder's."""
        walker = _WALKERS.get(path.suffix)
        if walker is None:
            raise ValueError(f"{path.name} is no file of a track")
        super().__init__()
        self.path = path
        self._file = path.open("rb")
        size = os.fstat(self._file.fileno()).st_size
        ends = walker(self._file, size)
        self.fragments = max(0, len(ends) - 1)
        self.whole_bytes = ends[-1] if ends else 0
        self.torn_bytes = size - self.whole_bytes
        self._at = 0

    def more_was_torn(self) -> bool:
        """Whether what is cut off holds more than one fragment's beginning: it is damaged."""
        beginning = _BEGINNINGS[self.path.suffix]
        self._file.seek(self.whole_bytes)
        found, rest = 0, b""
        while chunk := self._file.read(_CHUNK_BYTES):
            found += (rest + chunk).count(beginning)
            rest = chunk[1 - len(beginning) :]
        return found > 1

    def readable(self) -> bool:
        """A raw file's answer."""
        return True

    def seekable(self) -> bool:
        """A raw file's answer."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes of the whole part."""
        left = max(0, self.whole_bytes - self._at)
        self._file.seek(self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As a file's, in the whole part."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.whole_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next `read` begins."""
        return self._at

    def close(self) -> None:
        """Close the file beneath, too."""
        self._file.close()
        super().close()
