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

from mixer.boxes import BoxError, children, in_file
from recorder.track_fragments import TrackFragment, track_fragments

# Half a second of frames has some dozens of entries of twelve bytes; a megabyte is no moof of ours.
MAX_MOOF_BYTES = 1 << 20
# The header names one stream: some hundred bytes, a kilobyte with long parameter sets.
MAX_MOOV_BYTES = 1 << 20


class _TornError(BoxError):
    """The boxes are not whole from here on."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A whole piece of a live file; the first one is its header.

    `told` is what its `moof` says; its samples fill the bytes before `ends`.
    """

    begins: int
    ends: int
    told: tuple[TrackFragment, ...] = ()

    @property
    def time(self) -> int | None:
        """Of its first frame in ticks of the track's clock, None where nobody says."""
        return self.told[-1].time if self.told else None


def whole_fragments(file: BinaryIO, size: int) -> list[Fragment]:
    """The header and the whole fragments of a file of `size` bytes, in order.

    Empty when not even the header is whole. Never raises for any content.
    """
    found: list[Fragment] = []
    told: list[TrackFragment] = []  # by the moof before, until its mdat comes
    begins = 0
    try:
        for kind, body, end in in_file(file, 0, size):
            if kind == b"moov":
                _check_moov(_read(file, body, end, MAX_MOOV_BYTES))
                found.append(Fragment(0, end))
            elif not found:
                continue  # what comes before the header: ftyp
            elif kind == b"moof":
                told = track_fragments(_read(file, body, end, MAX_MOOF_BYTES))
                begins = found[-1].ends
            elif kind == b"mdat" and told:
                if sum(one.bytes for one in told) != end - body:
                    return found
                found.append(Fragment(begins, end, tuple(told)))
                told = []
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
