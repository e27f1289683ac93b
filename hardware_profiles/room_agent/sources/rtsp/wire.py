"""RTSP messages and interleaved frames, out of a stream of bytes and into one.

RFC 2326 §4 (messages), §10.12 (interleaved binary data). Bounded: whoever sends a header or a body
without end, or announces a length that cannot be, is `NotRtsp`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hardware_profiles.room_agent.sources.rtsp.errors import NotRtsp

# A description of six tracks has 2 KiB; a header with two challenges 1 KiB.
MOST_HEAD_BYTES = 16_384
MOST_BODY_BYTES = 65_536

_DOLLAR = 0x24
_VERSION = "RTSP/1.0"


class Interleaved(NamedTuple):
    """One RTP or RTCP packet in the stream (§10.12). A tuple: hundreds a second are made."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Header fields by their lower-case names; of one that comes twice, all values."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    body: bytes = b""

    def one(self, name: str) -> str:
        """The first value of this field, "" when there is none."""
        return self.fields.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())


@dataclass(frozen=True, slots=True)
class RtspResponse(Head):
    """An answer."""

    status: int = 0


@dataclass(frozen=True, slots=True)
class RtspRequest(Head):
    """What the camera asks us, or what we ask it."""

    method: str = ""
    url: str = ""


Message = Interleaved | RtspResponse | RtspRequest


class MessageReader:
    """Feed it bytes as they come; it gives whole messages and keeps what is not yet whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole now. Raises `NotRtsp`; the stream is then of no more use."""
        self._buffer += data
        at = 0
        try:
            while True:
                message, end = self._next(at)
                if message is None:
                    return
                at = end
                yield message
        finally:
            del self._buffer[:at]

    def _next(self, at: int) -> tuple[Message | None, int]:
        """The message at `at` and its end; None when it is not whole yet."""
        buffer = self._buffer
        while at < len(buffer) and buffer[at] in b"\r\n":
            at += 1  # some send an empty line after a body
        if at >= len(buffer):
            return None, at
        if buffer[at] == _DOLLAR:
            end = at + 4 + int.from_bytes(buffer[at + 2 : at + 4], "big")
            if len(buffer) < at + 4 or len(buffer) < end:
                return None, at
            return Interleaved(buffer[at + 1], bytes(buffer[at + 4 : end])), end
        if not 0x41 <= buffer[at] <= 0x5A:  # methods and RTSP/1.0 begin with a capital
            raise NotRtsp("neither a message nor a frame begins so")
        return self._message(at)

    def _message(self, at: int) -> tuple[Message | None, int]:
        buffer = self._buffer
        head_end = buffer.find(b"\r\n\r\n", at, at + MOST_HEAD_BYTES)
        if head_end < 0:
            if len(buffer) - at >= MOST_HEAD_BYTES:
                raise NotRtsp("a header without end")
            return None, at
        first, fields = _head(bytes(buffer[at:head_end]))
        body_at = head_end + 4
        end = body_at + _body_length(fields)
        if len(buffer) < end:
            return None, at
        return _of_first_line(first, fields, bytes(buffer[body_at:end])), end


def request_bytes(method: str, url: str, fields: Mapping[str, str]) -> bytes:
    """A request without a body."""
    lines = [f"{method} {url} {_VERSION}", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def response_bytes(status: int, reason: str, fields: Mapping[str, str]) -> bytes:
    """An answer without a body."""
    lines = [f"{_VERSION} {status} {reason}", *(f"{name}: {fields[name]}" for name in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _head(data: bytes) -> tuple[str, dict[str, tuple[str, ...]]]:
    # Cameras put their names into headers in whatever code page they have.
    first, *lines = data.decode("latin-1").split("\r\n")
    fields: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in lines:
        if line[:1] in (" ", "\t") and name:  # folded (RFC 2616 §2.2)
            *before, last = fields[name]
            fields[name] = (*before, f"{last} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name:
            raise NotRtsp("a header line without a name")
        fields[name] = (*fields.get(name, ()), value.strip())
    return first, fields


def _body_length(fields: Mapping[str, tuple[str, ...]]) -> int:
    lengths = set(fields.get("content-length", ("0",)))
    text = lengths.pop()
    if lengths or not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise NotRtsp("a length that is none")
    length = int(text)
    if length > MOST_BODY_BYTES:
        raise NotRtsp("a body without end")
    return length


def _of_first_line(
    first: str, fields: Mapping[str, tuple[str, ...]], body: bytes
) -> RtspResponse | RtspRequest:
    words = first.split(" ", 2)
    if words[0].startswith("RTSP/"):
        if len(words) < 2 or len(words[1]) != 3 or not _is_number(words[1]):
            raise NotRtsp("an answer without a status")
        return RtspResponse(fields, body, int(words[1]))
    if len(words) != 3 or not words[2].startswith("RTSP/"):
        raise NotRtsp("a first line of another protocol")
    return RtspRequest(fields, body, words[0], words[1])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
