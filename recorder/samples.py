"""The samples of a track's MP4 as its boxes tell them: where each lies, how long, and when.

Reads the fragments' boxes (ISO/IEC 14496-12 §8.8), a hundredth of the file, and nothing of the
samples themselves; up to the last whole fragment (`fragments`). What the boxes say of time may be
anything in a damaged file: who places it bounds it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mixer.boxes import HEAD_BYTES, BoxError, child
from recorder.fragments import whole_fragments
from recorder.track_fragments import Ticks, track_fragments

# Beyond any lesson, and within what 64 bits add up.
_MOST_TICKS = 1 << 60


@dataclass(frozen=True, slots=True)
class Samples:
    """Every sample, in the file's order: `shown` in ticks of the track's clock from the file's time
    0, `offset` and `size` in bytes. `header` is the body of its `moov`; `torn_bytes` of the file
    are behind its last whole fragment.
    """

    header: bytes
    torn_bytes: int
    shown: Ticks
    offset: Ticks
    size: Ticks
    key: npt.NDArray[np.bool_]

    def part(self, first: int, last: int) -> Samples:
        """Of the samples from `first` up to, without, `last`."""
        part = slice(first, last)
        return Samples(
            self.header,
            self.torn_bytes,
            self.shown[part],
            self.offset[part],
            self.size[part],
            self.key[part],
        )

    def __len__(self) -> int:
        return len(self.shown)


def read_samples(path: Path) -> Samples | None:
    """What the whole fragments of the file hold; None when there is not even a header.

    Raises `OSError`. Never raises for any content.
    """
    standing = path.stat()
    return _read(path, standing.st_size, standing.st_mtime_ns)


# A part is made soon after its tracks were measured: a lesson has some dozens of files, each with
# thirty bytes a sample. Nobody writes to a file that is being finished.
@lru_cache(maxsize=64)
def _read(path: Path, _size: int, _changed_ns: int) -> Samples | None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        whole = whole_fragments(file, size)
        if not whole:
            return None
        header, *fragments = whole
        try:
            moov = child(os.pread(file.fileno(), header.ends, 0), b"moov")
        except BoxError:
            return None
        found = [_run(file, fragment.begins, fragment.ends) for fragment in fragments]
    runs = [run for run in found if run is not None]
    none = np.zeros(0, np.int64)
    return Samples(
        moov,
        size - (fragments[-1].ends if fragments else header.ends),
        np.concatenate([run.shown for run in runs]) if runs else none,
        np.concatenate([run.offset for run in runs]) if runs else none,
        np.concatenate([run.size for run in runs]) if runs else none,
        np.concatenate([run.key for run in runs]) if runs else none.astype(np.bool_),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    shown: Ticks
    offset: Ticks
    size: Ticks
    key: npt.NDArray[np.bool_]


def _run(file: BinaryIO, begins: int, ends: int) -> _Run | None:
    """The samples of one whole fragment: `moof`, then the `mdat` that they fill."""
    handle = file.fileno()
    at = begins
    while at < ends:  # whatever stands before the moof
        head = os.pread(handle, HEAD_BYTES, at)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"moof" or length < HEAD_BYTES:
            break
        at += length
    moof = os.pread(handle, max(0, length - HEAD_BYTES), at + HEAD_BYTES)
    try:
        (told,) = track_fragments(moof)
        (run,) = told.runs
    except (BoxError, ValueError):
        return None  # of several tracks, or runs: no file of ours
    durations, sizes = run.durations(), run.sizes()
    return _Run(
        shown=min(_MOST_TICKS, told.time or 0) + np.cumsum(durations) - durations + run.later(),
        offset=ends - run.bytes + np.cumsum(sizes) - sizes,
        size=sizes,
        key=run.keys(),
    )
