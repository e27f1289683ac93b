"""What a fragment of MP4 says of its samples: the one reader of `tfhd`, `tfdt` and `trun`.

ISO/IEC 14496-12 §8.8.7, §8.8.12 and §8.8.8. Bytes in, tables out: columns are made when they are
asked for, because who only looks whether a file is whole needs none but the sizes. Whether what it
says is true of the file is for who reads the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mixer.boxes import BoxError, children

Ticks = npt.NDArray[np.int64]

_BASE, _DESCRIPTION, _TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
_BASE_IS_MOOF = 0x2_0000
_TRUN_OFFSET, _TRUN_FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _LATER = 0x100, 0x200, 0x400, 0x800
_FIELDS = (_DURATION, _SIZE, _FLAGS, _LATER)  # in the order of a row (§8.8.8.2)
_NO_SYNC = 0x1_0000  # §8.8.3.1: sample_is_non_sync_sample

# A run whose samples are all alike has no row for each: no number of them is too much for its
# bytes. A minute of sound has some thousands.
_MOST_ALIKE = 1 << 20


class Defaults(NamedTuple):
    """Of a sample of which nothing else is said: ticks, bytes, flags."""

    duration: int = 0
    size: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Samples that lie end to end. `offset` is from the fragment's base; None: behind the last."""

    offset: int | None
    count: int
    first_flags: int | None  # of its first sample, where not each says its own
    defaults: Defaults
    _told: int
    _table: npt.NDArray[np.uint32]

    @property
    def bytes(self) -> int:
        """Of all its samples."""
        if self.tells(_SIZE):
            return int(self.own(_SIZE).sum(dtype=np.int64))
        return self.count * self.defaults.size

    def tells(self, field: int) -> bool:
        """Whether each sample has a value of its own for this."""
        return bool(self._told & field)

    def own(self, field: int) -> npt.NDArray[np.uint32]:
        """The value of each sample, where it is told."""
        return self._table[:, sum(self.tells(one) for one in _FIELDS if one < field)]


class Runs:
    """Runs of one track, one behind the other, as one table: a track has thousands of a dozen
    samples each. A column is made when it is asked for.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self.counts = [run.count for run in runs]
        self.firsts = list(accumulate(self.counts, initial=0))[:-1]

    def durations(self) -> Ticks:
        """How long each lasts until the next is decoded."""
        return self._column(_DURATION, [run.defaults.duration for run in self._runs])

    def sizes(self) -> Ticks:
        """In bytes."""
        return self._column(_SIZE, [run.defaults.size for run in self._runs])

    def later(self) -> Ticks:
        """How long after it is decoded each is shown; it may be before."""
        return self._column(_LATER, [0] * len(self._runs)).astype(np.int32).astype(np.int64)

    def keys(self) -> npt.NDArray[np.bool_]:
        """Which can be decoded without any other."""
        flags = self._column(_FLAGS, [run.defaults.flags for run in self._runs])
        for first, run in zip(self.firsts, self._runs, strict=True):
            if run.count and run.first_flags is not None and not run.tells(_FLAGS):
                flags[first] = run.first_flags
        keys: npt.NDArray[np.bool_] = (flags & _NO_SYNC) == 0
        return keys

    def _column(self, field: int, defaults: Sequence[int]) -> Ticks:
        if not any(run.tells(field) for run in self._runs):
            return np.repeat(np.array(defaults, np.int64), self.counts)
        each = zip(self._runs, defaults, strict=True)
        columns = (
            run.own(field) if run.tells(field) else np.full(run.count, default)
            for run, default in each
        )
        return np.concatenate([*columns]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class TrackFragment:
    """One `traf`: its track, where its runs count from (`base` is a place in the file; None: the
    `moof`'s own place if `base_is_moof`, else behind the fragment before), when it begins.
    """

    track: int
    base: int | None
    base_is_moof: bool
    time: int | None
    runs: tuple[Run, ...]

    @property
    def bytes(self) -> int:
        """Of all its samples."""
        return sum(run.bytes for run in self.runs)


def track_fragments(
    moof: bytes, defaults: Mapping[int, Defaults] | None = None
) -> list[TrackFragment]:
    """The fragments in the body of a `moof`. `defaults` are what `trex` says, by track.

    Raises `BoxError` where a box is not as long as what it tells.
    """
    return [_traf(body, defaults or {}) for kind, body in children(moof) if kind == b"traf"]


def _traf(traf: bytes, of_tracks: Mapping[int, Defaults]) -> TrackFragment:
    boxes = list(children(traf))
    tfhd = next((body for kind, body in boxes if kind == b"tfhd"), None)
    if tfhd is None:
        raise BoxError("a fragment does not say of which track it is")
    told, track = _uint32(tfhd, 0) & 0xFF_FFFF, _uint32(tfhd, 4)
    at, base = 8, None
    if told & _BASE:
        base = _uint32(tfhd, at) << 32 | _uint32(tfhd, at + 4)
        at += 8
    at += 4 * bool(told & _DESCRIPTION)
    values = list(of_tracks.get(track, Defaults()))
    for number, flag in enumerate((_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS)):
        if told & flag:
            values[number] = _uint32(tfhd, at)
            at += 4
    own = Defaults(*values)
    time = next((_time(body) for kind, body in boxes if kind == b"tfdt"), None)
    runs = tuple(_run(body, own) for kind, body in boxes if kind == b"trun")
    return TrackFragment(track, base, bool(told & _BASE_IS_MOOF), time, runs)


def _time(tfdt: bytes) -> int:
    """32 bits in version 0, 64 in version 1."""
    if tfdt[:1] == b"\x01":
        return _uint32(tfdt, 4) << 32 | _uint32(tfdt, 8)
    return _uint32(tfdt, 4)


def _run(trun: bytes, defaults: Defaults) -> Run:
    told, count = _uint32(trun, 0) & 0xFF_FFFF, _uint32(trun, 4)
    at, offset, first_flags = 8, None, None
    if told & _TRUN_OFFSET:
        offset = (_uint32(trun, at) ^ 1 << 31) - (1 << 31)  # signed
        at += 4
    if told & _TRUN_FIRST_FLAGS:
        first_flags = _uint32(trun, at)
        at += 4
    columns = sum(bool(told & field) for field in _FIELDS)
    if at + 4 * columns * count != len(trun) or (not columns and count > _MOST_ALIKE):
        raise BoxError("a run has not as many samples as it tells")
    table = np.frombuffer(trun, ">u4", count * columns, at).reshape(count, columns)
    return Run(offset, count, first_flags, defaults, told, table)


def _uint32(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise BoxError("a box is shorter than what it tells")
    return int.from_bytes(data[at : at + 4], "big")
