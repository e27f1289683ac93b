"""WebM as far as a crash left it: how many bytes of a file are whole clusters.

A live file is an EBML header and one segment of unknown size, in it the header of its one stream
and then clusters (RFC 8794, RFC 9559 §5.1). What stands behind the last whole cluster is left out
before anything reads the file. Blocks inside a cluster are walked too: a cluster is whole when its
elements fill it. What is inside the blocks is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from recorder.fragments import Fragment

# A second of the best picture has a few megabytes; a larger cluster is none of ours.
MAX_CLUSTER_BYTES = 64 << 20

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_TRACKS, _CLUSTER = 0x1654AE6B, 0x1F43B675

# An element's name has up to four bytes, its size up to eight (RFC 8794 §5, §4).
_MOST_ID_BYTES, _MOST_SIZE_BYTES = 4, 8


class _TornError(Exception):
    """The elements are not whole from here on."""


def whole_clusters(file: BinaryIO, size: int) -> list[Fragment]:
    """The header and the whole clusters of a file of `size` bytes, in order.

    Empty when not even the header is whole. Never raises for any content.
    """
    found: list[Fragment] = []
    try:
        kind, _, end = _element(file, 0, size)
        if kind != _EBML or end is None:
            return found
        kind, body, segment_end = _element(file, end, size)
        if kind != _SEGMENT:
            return found
        at = body
        last = size if segment_end is None else segment_end
        while at < last:
            kind, body, end = _element(file, at, last)
            if end is None:  # a cluster without a size: live muxers that cannot buffer write them
                raise _TornError
            if kind == _TRACKS:
                found.append(Fragment(0, end))
            elif kind == _CLUSTER:
                if not found:
                    raise _TornError
                _check_cluster(file, body, end)
                found.append(Fragment(at, end))
            at = end
    except _TornError:
        pass
    return found


def _check_cluster(file: BinaryIO, at: int, end: int) -> None:
    if end - at > MAX_CLUSTER_BYTES:
        raise _TornError
    for _ in _elements(file, at, end):
        continue


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[int]:
    while at < end:
        kind, _, element_end = _element(file, at, end)
        if element_end is None:
            raise _TornError
        yield kind
        at = element_end


def _element(file: BinaryIO, at: int, end: int) -> tuple[int, int, int | None]:
    """(name, where its body begins, where it ends or None if unknown). Raises `_TornError`."""
    file.seek(at)
    head = file.read(min(_MOST_ID_BYTES + _MOST_SIZE_BYTES, end - at))
    id_bytes = _length(head, 0, _MOST_ID_BYTES)
    size_bytes = _length(head, id_bytes, _MOST_SIZE_BYTES)
    kind = int.from_bytes(head[:id_bytes], "big")
    value = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big")
    value &= (1 << 7 * size_bytes) - 1
    body = at + id_bytes + size_bytes
    if value == (1 << 7 * size_bytes) - 1:
        return kind, body, None
    if body + value > end:
        raise _TornError
    return kind, body, body + value


def _length(head: bytes, at: int, most: int) -> int:
    """How many bytes the number at `at` has: one more than its first byte has leading zeros."""
    if at >= len(head):
        raise _TornError
    length = 9 - head[at].bit_length()
    if length > most or at + length > len(head):
        raise _TornError
    return length
