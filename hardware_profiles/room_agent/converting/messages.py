"""What agent and child say to each other, on the child's standard input and output.

Each message is its length (4 bytes), its kind (1 byte) and its body, all big-endian. The child is
ours, but what it decodes is not: lengths are bounded, and a broken message ends the conversation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MOST_BODY_BYTES = 8 << 20
_HEAD = struct.Struct("!IB")
_PICTURE = struct.Struct("!qBB")
_KEYFRAME, _UNSHOWN = 1, 2


class MessageKind(IntEnum):
    """`!`: to the child; `?`: from it."""

    SETUP = 1  # ! what to read and what to make, JSON
    CODED = 2  # ! a picture to decode
    NEEDED = 3  # ! which layers anybody wants, a bit for each in one byte
    ENCODED = 4  # ? a picture to send
    DONE = 5  # ? a coded picture is through; processor time so far in microseconds
    SIZE = 6  # ? pixels of what is decoded: width, height
    FAILED = 7  # ? why it ends, a word
    SOUND = 8  # ? 20 ms of a microphone's sound (`sounding.packets`)
    HEARD = 9  # ! what another room says, to be played: its number, 16 bits a sample
    TOLD = 10  # ? how microphone and loudspeaker are, JSON


class BrokenMessage(Exception):
    """The other end says what nobody understands."""


@dataclass(frozen=True, slots=True)
class ChildMessage:
    kind: MessageKind
    body: bytes


@dataclass(frozen=True, slots=True)
class PictureMessage:
    """`CODED` and `ENCODED`. `timestamp` is unwrapped; an unshown picture is decoded alone."""

    timestamp: int
    data: bytes
    keyframe: bool = False
    unshown: bool = False
    layer: int = 0  # of a device that is encoded in several sizes

    def body(self) -> bytes:
        flags = (_KEYFRAME if self.keyframe else 0) | (_UNSHOWN if self.unshown else 0)
        return _PICTURE.pack(self.timestamp, flags, self.layer) + self.data

    @classmethod
    def read(cls, body: bytes) -> PictureMessage:
        """Raises `BrokenMessage`."""
        if len(body) < _PICTURE.size:
            raise BrokenMessage
        timestamp, flags, layer = _PICTURE.unpack_from(body)
        data = body[_PICTURE.size :]
        return cls(timestamp, data, bool(flags & _KEYFRAME), bool(flags & _UNSHOWN), layer)


def message_bytes(kind: MessageKind, body: bytes = b"") -> bytes:
    return _HEAD.pack(len(body), kind) + body


def number_bytes(*numbers: int) -> bytes:
    """The body of `DONE` and `SIZE`."""
    return b"".join(number.to_bytes(8, "big") for number in numbers)


def read_numbers(body: bytes, count: int) -> tuple[int, ...]:
    """Raises `BrokenMessage`."""
    if len(body) != 8 * count:
        raise BrokenMessage
    return tuple(int.from_bytes(body[at : at + 8], "big") for at in range(0, len(body), 8))


class ChildMessages:
    """ChildMessages out of a stream of bytes, cut anywhere."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[ChildMessage]:
        """The messages that are whole now. Raises `BrokenMessage`."""
        self._data += data
        while len(self._data) >= _HEAD.size:
            size, kind = _HEAD.unpack_from(self._data)
            if size > MOST_BODY_BYTES or kind not in MessageKind.__members__.values():
                raise BrokenMessage
            end = _HEAD.size + size
            if len(self._data) < end:
                return
            body = bytes(memoryview(self._data)[_HEAD.size : end])
            del self._data[:end]
            yield ChildMessage(MessageKind(kind), body)
