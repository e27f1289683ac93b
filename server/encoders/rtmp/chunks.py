"""RTMP's chunk stream: messages out of chunks, and back (specification §5.3).

Owns the chunk size that the sender sets, headers that refer to earlier ones, and the bounds: how
large a message, how many chunk streams, how much is kept half.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from server.encoders.rtmp.errors import RtmpRefused

# A keyframe of 4K at 40 Mb/s has 2 MiB. A chunk may be as large: OBS sends 4,096, others 60,000.
MOST_MESSAGE_BYTES = 4 << 20
# An encoder uses three to six; each keeps half a message at most.
MOST_STREAMS = 16
# All that is begun at once, in whole messages.
MOST_HALF = 2
# What a stranger says has some hundred bytes; 64 of them at once are to fill nobody's memory.
STRANGER_MESSAGE_BYTES = 65_536
OUR_CHUNK_BYTES = 4096

SET_CHUNK_SIZE, ABORT, ACKNOWLEDGEMENT, USER_CONTROL, WINDOW, BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
_EXTENDED = 0xFF_FFFF
_HEADER_BYTES = (11, 7, 3, 0)  # by form (§5.3.1.2)


@dataclass(frozen=True, slots=True)
class RtmpMessage:
    """One message: its type, its time in ms (32 bits, wrapping), its stream and what it holds."""

    kind: int
    timestamp: int
    stream_id: int
    payload: bytes


@dataclass(slots=True)
class _Stream:
    """What later chunks of a chunk stream refer to."""

    timestamp: int = 0
    delta: int = 0
    length: int = 0
    kind: int = 0
    stream_id: int = 0
    extended: bool = False
    parts: bytearray = field(default_factory=bytearray)

    def begin(self, form: int, ticks: int) -> None:
        """A message begins (§5.3.1.2); after a whole time a short header repeats it."""
        if form == 0:
            self.timestamp, self.delta = ticks, 0
            return
        if form < 3:
            self.delta = ticks
        self.timestamp = (self.timestamp + self.delta) & 0xFFFF_FFFF


class ChunkReader:
    """Feed it bytes; it gives whole messages. Raises `RtmpRefused`, and is then of no more use.

    `most_bytes` is how large a message may be: little until the sender is known.
    """

    def __init__(self, most_bytes: int = STRANGER_MESSAGE_BYTES) -> None:
        self.most_bytes = most_bytes
        self._buffer = bytearray()
        self._streams: dict[int, _Stream] = {}
        self._chunk_bytes = 128  # until it is set (§5.4.1)

    def feed(self, data: bytes) -> Iterator[RtmpMessage]:
        """The messages that are whole now."""
        self._buffer += data
        at = 0
        try:
            while (found := self._chunk(at)) is not None:
                at, message = found
                if message is None:
                    continue
                if message.kind == SET_CHUNK_SIZE:
                    self._set_chunk_bytes(message.payload)
                elif message.kind == ABORT:
                    self._abort(message.payload)
                else:
                    yield message
        finally:
            del self._buffer[:at]

    def _chunk(self, at: int) -> tuple[int, RtmpMessage | None] | None:
        """The chunk at `at`: where it ends, and the message that it completes; None: not whole."""
        begun = self._stream_at(at)
        if begun is None:
            return None
        form, number, at = begun
        stream = self._streams.get(number) or self._new_stream(form)
        width = _HEADER_BYTES[form]
        ticks = int.from_bytes(self._buffer[at : at + 3], "big")
        extended = ticks == _EXTENDED if width else stream.extended
        body_at = at + width + (4 if extended else 0)
        if len(self._buffer) < body_at:
            return None
        if extended:
            ticks = int.from_bytes(self._buffer[body_at - 4 : body_at], "big")
        length = stream.length
        if width >= 7:
            length = int.from_bytes(self._buffer[at + 3 : at + 6], "big")
        if length > self.most_bytes or (width and stream.parts):
            raise RtmpRefused("a message too long, or one within another")
        end = body_at + min(self._chunk_bytes, length - len(stream.parts))
        if len(self._buffer) < end:
            return None
        self._streams[number] = stream
        stream.length, stream.extended = length, extended
        if width >= 7:
            stream.kind = self._buffer[at + 6]
        if width == 11:
            stream.stream_id = struct.unpack_from("<I", self._buffer, at + 7)[0]
        if not stream.parts:
            stream.begin(form, ticks)
        stream.parts += self._buffer[body_at:end]
        return end, self._whole(stream)

    def _stream_at(self, at: int) -> tuple[int, int, int] | None:
        """The basic header (§5.3.1.1): the form of the next, the chunk stream, where that is."""
        if at >= len(self._buffer):
            return None
        form, number = self._buffer[at] >> 6, self._buffer[at] & 0x3F
        end = at + 1
        if number < 2:
            end += number + 1
            number = 64 + int.from_bytes(self._buffer[at + 1 : end], "little")
        return (form, number, end) if len(self._buffer) >= end else None

    def _new_stream(self, form: int) -> _Stream:
        if form or len(self._streams) >= MOST_STREAMS:
            raise RtmpRefused("a chunk that refers to none before, or too many streams")
        return _Stream()

    def _whole(self, stream: _Stream) -> RtmpMessage | None:
        if len(stream.parts) < stream.length:
            if sum(len(one.parts) for one in self._streams.values()) > (
                MOST_HALF * self.most_bytes
            ):
                raise RtmpRefused("too many messages begun at once")
            return None
        payload = bytes(stream.parts)
        stream.parts.clear()
        return RtmpMessage(stream.kind, stream.timestamp, stream.stream_id, payload)

    def _set_chunk_bytes(self, payload: bytes) -> None:
        size = int.from_bytes(payload[:4], "big")
        if len(payload) < 4 or not 1 <= size <= 0x7FFF_FFFF:
            raise RtmpRefused("a chunk size that is none")
        self._chunk_bytes = min(size, MOST_MESSAGE_BYTES)

    def _abort(self, payload: bytes) -> None:
        stream = self._streams.get(int.from_bytes(payload[:4], "big"))
        if stream is not None:
            stream.parts.clear()


def message_bytes(message: RtmpMessage, *, chunk_stream: int) -> bytes:
    """A message as chunks of `OUR_CHUNK_BYTES`; the first has a full header."""
    payload = message.payload
    out = bytearray((chunk_stream,))
    out += message.timestamp.to_bytes(3, "big") + len(payload).to_bytes(3, "big")
    out.append(message.kind)
    out += struct.pack("<I", message.stream_id)
    for at in range(0, max(1, len(payload)), OUR_CHUNK_BYTES):
        if at:
            out.append(0xC0 | chunk_stream)
        out += payload[at : at + OUR_CHUNK_BYTES]
    return bytes(out)
