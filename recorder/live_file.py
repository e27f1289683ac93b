"""A track's file as its reader may see it: cut to its last whole fragment, and read only.

While a lesson runs its files are only appended to, so a crash tears at most their tail. The file on
the disk is never changed here: what is torn stays there as evidence.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from recorder.clusters import whole_clusters
from recorder.fragments import Fragment, whole_fragments

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
        header, *self.fragments = walker(self._file, size) or [Fragment(0, 0)]
        self.whole_bytes = self.fragments[-1].ends if self.fragments else header.ends
        self.torn_bytes = size - self.whole_bytes
        self._header_bytes = header.ends
        self._left_out = 0  # bytes behind the header that nobody wants to see
        self._at = 0

    def leave_out(self, fragments: int) -> None:
        """Show the header and what comes behind this many fragments."""
        if fragments:
            self._left_out = self.fragments[fragments - 1].ends - self._header_bytes

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
        """Up to `size` bytes of the whole part, or all that is left of it."""
        if size < 0:
            return self.readall() or b""
        in_header = self._at < self._header_bytes
        at = self._at if in_header else self._at + self._left_out
        left = max(0, (self._header_bytes if in_header else self.whole_bytes) - at)
        self._file.seek(at)
        data = self._file.read(min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As a file's, in the whole part."""
        end = self.whole_bytes - self._left_out
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: end}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next `read` begins."""
        return self._at

    def close(self) -> None:
        """Close the file beneath, too."""
        self._file.close()
        super().close()
