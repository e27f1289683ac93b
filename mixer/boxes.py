"""ISO base media boxes (ISO/IEC 14496-12 §4.2) as bytes: built, and taken apart.

Knows sizes and types, not what a box means.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

HEAD_BYTES = 8
LARGE_HEAD_BYTES = 16  # with a 64-bit size


class BoxError(Exception):
    """Boxes do not fill what holds them."""


def box(kind: bytes, *content: bytes) -> bytes:
    """A box with a 32-bit size around its content."""
    body = b"".join(content)
    return struct.pack(">I4s", HEAD_BYTES + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box with version and flags (§4.2.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def in_file(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, where its body begins, where it ends) of the boxes of a file from `at` to `end`.

    Raises `BoxError` where they are not whole, `OSError`. A size of 0 ("to the end of the file") is
    none: nobody writes that live, but unwritten blocks have it.
    """
    while at < end:
        file.seek(at)
        head = file.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            raise BoxError("a box is torn")
        size, kind = struct.unpack(">I4s", head)
        body = at + HEAD_BYTES
        if size == 1:
            large = file.read(LARGE_HEAD_BYTES - HEAD_BYTES)
            if len(large) < LARGE_HEAD_BYTES - HEAD_BYTES:
                raise BoxError("a box is torn")
            size, body = int.from_bytes(large, "big"), at + LARGE_HEAD_BYTES
        if size < body - at or at + size > end:
            raise BoxError(f"the box {kind!r} does not fit")
        yield kind, body, at + size
        at += size


def children(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, body) of the boxes that fill `data`. Raises `BoxError` when they do not."""
    at = 0
    while at < len(data):
        if at + HEAD_BYTES > len(data):
            raise BoxError("a box is torn")
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < HEAD_BYTES or at + size > len(data):
            raise BoxError(f"the box {kind!r} does not fit")
        yield kind, data[at + HEAD_BYTES : at + size]
        at += size


def child(data: bytes, *path: bytes) -> bytes:
    """The body of the first box along `path`. Raises `BoxError` when there is none."""
    for wanted in path:
        found = next((body for kind, body in children(data) if kind == wanted), None)
        if found is None:
            raise BoxError(f"there is no box {wanted!r}")
        data = found
    return data


def changed(data: bytes, path: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    """`data`, with the body of the boxes along `path` as `change` makes it of theirs."""
    first, *rest = path

    def anew(body: bytes) -> bytes:
        return changed(body, tuple(rest), change) if rest else change(body)

    return b"".join(
        box(kind, anew(body) if kind == first else body) for kind, body in children(data)
    )
