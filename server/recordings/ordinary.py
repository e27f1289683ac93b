"""A part for who downloads it: an ordinary MP4, made on the way, of the same length each time.

What is played piece by piece has its samples in fragments, and not every program that people open a
film with knows its way about in those. So the index that `recorder.exchange.wrapping` makes stands
before the file as it is: nothing is copied, a range of it is a range of the file, and a download
that was cut off goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class OrdinaryFile:
    """`StoredFile`: `index`, then the file at `path`."""

    path: Path
    index: bytes
    size: int

    async def read(self, begin: int, end: int) -> AsyncIterator[bytes]:
        """Raises `OSError`."""
        ahead = self.index[begin:end]
        if ahead:
            yield ahead
        at, until = max(0, begin - len(self.index)), end - len(self.index)
        if at >= until:
            return
        file = await asyncio.to_thread(self.path.open, "rb")
        with file:
            file.seek(at)
            while at < until:
                data = await asyncio.to_thread(file.read, min(_READ_BYTES, until - at))
                if not data:
                    raise OSError(f"{self.path.name} is shorter than it was")
                at += len(data)
                yield data


async def ordinary_file(path: Path) -> OrdinaryFile | None:
    """The file with an index before it; None for one that is ordinary as it is, or none of ours.

    Raises `OSError`.
    """
    if path.suffix != ".mp4":
        return None
    standing = await asyncio.to_thread(path.stat)
    index = await asyncio.to_thread(_index, path, standing.st_size, standing.st_mtime_ns)
    return OrdinaryFile(path, index, len(index) + standing.st_size) if index else None


# A download in pieces asks again and again; the index of a lesson's hour has two megabytes.
@lru_cache(maxsize=8)
def _index(path: Path, _size: int, _changed_ns: int) -> bytes:
    from recorder.exchange.wrapping import (  # noqa: PLC0415 - no start waits for NumPy
        NotWrapped,
        index_before,
        is_fragmented,
    )

    try:
        return index_before(path) if is_fragmented(path) else b""
    except NotWrapped:
        return b""
