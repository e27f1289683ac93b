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

import numpy as np
import numpy.typing as npt

from mixer.boxes import BoxError, child
from recorder.fragments import whole_fragments
from recorder.track_fragments import Runs, Ticks

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
    # Of several tracks, or of several runs: no file of ours.
    ours = [
        (one.told[0].time or 0, one.told[0].runs[0], one.ends)
        for one in fragments
        if len(one.told) == 1 and len(one.told[0].runs) == 1
    ]
    runs = Runs([run for _, run, _ in ours])
    sizes = runs.sizes()
    began = [min(_MOST_TICKS, time) for time, _, _ in ours]
    lies = [ends - run.bytes for _, run, ends in ours]
    return Samples(
        moov,
        size - whole[-1].ends,
        _end_to_end(began, runs.durations(), runs) + runs.later(),
        _end_to_end(lies, sizes, runs),
        sizes,
        runs.keys(),
    )


def _end_to_end(begins: list[int], lengths: Ticks, runs: Runs) -> Ticks:
    """Where each sample begins when those of a run follow each other from where it begins."""
    before = np.cumsum(lengths) - lengths
    filled = [at for at, count in enumerate(runs.counts) if count]
    firsts = np.array(runs.firsts, np.int64)[filled]
    moved = np.array(begins, np.int64)[filled] - before[firsts]
    found: Ticks = before + np.repeat(moved, np.array(runs.counts, np.int64)[filled])
    return found
