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

from mixer.boxes import HEAD_BYTES, BoxError, child, children
from recorder.fragments import whole_fragments

Ticks = npt.NDArray[np.int64]

# Flags of `tfhd` (§8.8.7) and `trun` (§8.8.8): which optional fields stand there.
_TFHD_OPTIONAL = ((0x1, 8), (0x2, 4))  # base data offset, sample description: bytes to pass over
_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x8, 0x10, 0x20
_TRUN_DATA_OFFSET, _TRUN_FIRST_FLAGS = 0x1, 0x4
_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION = 0x100, 0x200, 0x400, 0x800
_NO_SYNC = 0x1_0000  # §8.8.3.1: sample_is_non_sync_sample

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
    trafs = [body for kind, body in children(moof) if kind == b"traf"]
    if len(trafs) != 1:
        return None
    inner = dict(children(trafs[0]))
    tfhd, trun = inner.get(b"tfhd"), inner.get(b"trun")
    if tfhd is None or trun is None:
        return None
    duration, size, flags = _defaults(tfhd)
    tfdt = inner.get(b"tfdt", bytes(8))
    time = min(_MOST_TICKS, int.from_bytes(tfdt[4:12] if tfdt[0] == 1 else tfdt[4:8], "big"))
    told = int.from_bytes(trun[1:4], "big")
    count = int.from_bytes(trun[4:8], "big")
    at = 8 + 4 * bool(told & _TRUN_DATA_OFFSET)
    first_flags = int.from_bytes(trun[at : at + 4], "big") if told & _TRUN_FIRST_FLAGS else flags
    at += 4 * bool(told & _TRUN_FIRST_FLAGS)
    fields = [
        field
        for field in (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION)
        if told & field
    ]
    table = np.frombuffer(trun, ">u4", count * len(fields), at).reshape(count, len(fields))

    def column(field: int, default: int) -> Ticks:
        if field in fields:
            return table[:, fields.index(field)].astype(np.int64)
        return np.full(count, default, np.int64)

    sizes = column(_TRUN_SIZE, size)
    lasts = column(_TRUN_DURATION, duration)
    later = column(_TRUN_COMPOSITION, 0).astype(np.int32).astype(np.int64)
    each = column(_TRUN_FLAGS, flags)
    if count and _TRUN_FLAGS not in fields:
        each[0] = first_flags
    return _Run(
        shown=time + np.cumsum(lasts) - lasts + later,
        offset=ends - int(sizes.sum()) + np.cumsum(sizes) - sizes,
        size=sizes,
        key=(each & _NO_SYNC) == 0,
    )


def _defaults(tfhd: bytes) -> tuple[int, int, int]:
    """Duration, size and flags of a sample of which nothing else is said."""
    told = int.from_bytes(tfhd[1:4], "big")
    at = 8 + sum(length for flag, length in _TFHD_OPTIONAL if told & flag)
    values = []
    for flag in (_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS):
        values.append(int.from_bytes(tfhd[at : at + 4], "big") if told & flag else 0)
        at += 4 * bool(told & flag)
    duration, size, flags = values
    return duration, size, flags
