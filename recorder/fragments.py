"""Fragmented MP4 as far as a crash left it: how many bytes of a file are whole fragments.

A live file is `ftyp`, `moov`, then `moof` and `mdat` in turn (ISO/IEC 14496-12 §8.8). A process
that is killed, or a disk that loses power, leaves it torn at any byte, and a library that opens it
torn inside a `moof` refuses all of it. So before anything reads it, the boxes are walked here, and
what stands behind the last whole fragment is left out.

A fragment is whole when both its boxes are, and the samples of the one fill the other. What is
inside the samples is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from mixer.boxes import BoxError, children, in_file

# Half a second of frames has some dozens of entries of twelve bytes; a megabyte is no moof of ours.
MAX_MOOF_BYTES = 1 << 20
# The header names one stream: some hundred bytes, a kilobyte with long parameter sets.
MAX_MOOV_BYTES = 1 << 20

# Flags of `tfhd` (§8.8.7) and `trun` (§8.8.8): which optional fields stand there.
_TFHD_BASE_DATA_OFFSET, _TFHD_DESCRIPTION, _TFHD_DURATION, _TFHD_SIZE = 0x1, 0x2, 0x8, 0x10
_TRUN_DATA_OFFSET, _TRUN_FIRST_FLAGS = 0x1, 0x4
_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION = 0x100, 0x200, 0x400, 0x800


class _TornError(BoxError):
    """The boxes are not whole from here on."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A whole piece of a live file; the first one is its header.

    `time` is that of its first frame in ticks of the track's clock, None where nobody says.
    """

    begins: int
    ends: int
    time: int | None = None


def whole_fragments(file: BinaryIO, size: int) -> list[Fragment]:
    """The header and the whole fragments of a file of `size` bytes, in order.

    Empty when not even the header is whole. Never raises for any content.
    """
    found: list[Fragment] = []
    moof: _Moof | None = None  # the one before, until its mdat comes
    begins = 0
    try:
        for kind, body, end in in_file(file, 0, size):
            if kind == b"moov":
                _check_moov(_read(file, body, end, MAX_MOOV_BYTES))
                found.append(Fragment(0, end))
            elif not found:
                continue  # what comes before the header: ftyp
            elif kind == b"moof":
                moof = _Moof.parse(_read(file, body, end, MAX_MOOF_BYTES))
                begins = found[-1].ends
            elif kind == b"mdat" and moof is not None:
                if moof.sample_bytes != end - body:
                    return found
                found.append(Fragment(begins, end, moof.time))
                moof = None
    except BoxError:
        pass
    return found


def _read(file: BinaryIO, body: int, end: int, most: int) -> bytes:
    if end - body > most:
        raise _TornError
    file.seek(body)
    return file.read(end - body)


def _check_moov(data: bytes) -> None:
    kinds = [kind for kind, _ in children(data)]
    if b"trak" not in kinds or b"mvex" not in kinds:
        raise _TornError


@dataclass(frozen=True, slots=True)
class _Moof:
    """What a movie fragment says of its samples: how many bytes, and when the first one is."""

    sample_bytes: int
    time: int | None

    @classmethod
    def parse(cls, data: bytes) -> _Moof:
        total, time = 0, None
        for kind, traf in children(data):
            if kind != b"traf":
                continue
            default_size = 0
            for inner, body in children(traf):
                if inner == b"tfhd":
                    default_size = _default_sample_size(body)
                elif inner == b"tfdt":
                    time = _decode_time(body)
                elif inner == b"trun":
                    total += _run_bytes(body, default_size)
        return cls(total, time)


def _decode_time(tfdt: bytes) -> int:
    """§8.8.12: 32 bits in version 0, 64 in version 1."""
    if len(tfdt) < 8 or (tfdt[0] == 1 and len(tfdt) < 12):
        raise _TornError
    return int.from_bytes(tfdt[4:12] if tfdt[0] == 1 else tfdt[4:8], "big")


def _default_sample_size(tfhd: bytes) -> int:
    flags = _flags(tfhd)
    at = 8  # version, flags, track_ID
    at += 8 * bool(flags & _TFHD_BASE_DATA_OFFSET)
    at += 4 * bool(flags & _TFHD_DESCRIPTION)
    at += 4 * bool(flags & _TFHD_DURATION)
    return _uint32(tfhd, at) if flags & _TFHD_SIZE else 0


def _run_bytes(trun: bytes, default_size: int) -> int:
    flags = _flags(trun)
    count = _uint32(trun, 4)
    at = 8 + 4 * bool(flags & _TRUN_DATA_OFFSET) + 4 * bool(flags & _TRUN_FIRST_FLAGS)
    fields = (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION)
    entry = 4 * sum(bool(flags & field) for field in fields)
    if at + count * entry != len(trun):
        raise _TornError
    if not flags & _TRUN_SIZE:
        return count * default_size
    columns = entry // 4
    sizes = np.frombuffer(trun, ">u4", count * columns, at)[bool(flags & _TRUN_DURATION) :: columns]
    return int(sizes.sum(dtype=np.int64))


def _flags(full_box: bytes) -> int:
    return _uint32(full_box, 0) & 0xFF_FFFF


def _uint32(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise _TornError
    return int.from_bytes(data[at : at + 4], "big")
