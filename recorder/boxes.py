"""ISO base media boxes (ISO/IEC 14496-12 §4.2) as bytes: built, and taken apart.

Sans-IO. Knows sizes and types, not what a box means.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

HEAD_BYTES = 8


class BoxError(Exception):
    """Boxes do not fill what holds them."""


def box(kind: bytes, *content: bytes) -> bytes:
    """A box with a 32-bit size around its content."""
    body = b"".join(content)
    return struct.pack(">I4s", HEAD_BYTES + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box with version and flags (§4.2.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


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
