"""One encoder's RTMP connection, from the handshake to its media. Sans-IO.

    HANDSHAKE ──C0 C1──► GREETED ──C2──► COMMANDS ──publish, key──► ASKED ──accept()──► SENDS

Owns the handshake (specification §5.2), the commands an encoder says (§7.2) and our answers. The
caller checks the stream key when `Publish` comes, and then calls `accept`; nothing of the media is
given out before.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from server.encoders.rtmp import chunks
from server.encoders.rtmp.amf import Value, read_values, values_bytes
from server.encoders.rtmp.chunks import ChunkReader, RtmpMessage, message_bytes
from server.encoders.rtmp.errors import RtmpRefused

_VERSION = 3
_HANDSHAKE_BYTES = 1536
_OUR_WINDOW = 2_500_000
_STREAM_ID = 1
_CONTROL, _COMMANDS = 2, 3  # chunk streams of ours
# OBS, FFmpeg and boxes say six to nine; who talks on and never sends is no encoder.
_MOST_COMMANDS = 64
# Before it may send: its commands, and what it tells of windows and sizes between them.
_MOST_STRANGER_MESSAGES = 256
_MOST_KEY_CHARACTERS = 200


class RtmpPhase(Enum):
    """Where a connection stands."""

    HANDSHAKE = "handshake"
    GREETED = "greeted"
    COMMANDS = "commands"
    ASKED = "asked"
    SENDS = "sends"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PublishAsked:
    """The encoder wants to send under this key; call `accept` or `refuse`."""

    key: str


@dataclass(frozen=True, slots=True)
class MediaSent:
    """One message of media: `chunks.AUDIO`, `VIDEO` or `DATA`."""

    message: RtmpMessage


@dataclass(frozen=True, slots=True)
class SendingEnded:
    """The encoder says that it has ended."""


RtmpEvent = PublishAsked | MediaSent | SendingEnded


class RtmpSession:
    """`handle_data` in, `take_output` out. Raises `RtmpRefused`; then only close."""

    def __init__(self) -> None:
        self.phase = RtmpPhase.HANDSHAKE
        self._greeting = bytearray()
        self._chunks = ChunkReader()
        self._out = bytearray()
        self._received = 0
        self._acknowledged = 0
        self._window = _OUR_WINDOW
        self._commands = self._messages = 0

    def handle_data(self, data: bytes) -> Iterator[RtmpEvent]:
        """What this brings; take the output after it."""
        self._received += len(data)
        if self.phase in (RtmpPhase.HANDSHAKE, RtmpPhase.GREETED):
            data = self._handshake(data)
        if data:
            for message in self._chunks.feed(data):
                yield from self._message(message)
        if self._received - self._acknowledged >= self._window // 2:
            self._acknowledged = self._received
            self._control(chunks.ACKNOWLEDGEMENT, struct.pack("!I", self._received & 0xFFFF_FFFF))

    def take_output(self) -> bytes:
        """What is to be sent now."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def accept(self) -> None:
        """The key is right: let it send."""
        assert self.phase is RtmpPhase.ASKED, self.phase  # the caller's duty
        self.phase = RtmpPhase.SENDS
        self._chunks.most_bytes = chunks.MOST_MESSAGE_BYTES
        self._control(chunks.USER_CONTROL, struct.pack("!HI", 0, _STREAM_ID))
        self._status("status", "NetStream.Publish.Start", "send")

    def refuse(self, words: str) -> None:
        """The key is wrong, or there is no place; say so and close."""
        self.phase = RtmpPhase.ENDED
        self._status("error", "NetStream.Publish.BadName", words)

    # --- handshake ----------------------------------------------------------------------------

    def _handshake(self, data: bytes) -> bytes:
        """What of `data` follows the handshake; empty while it is not over."""
        self._greeting += data
        if self.phase is RtmpPhase.HANDSHAKE:
            if self._greeting and self._greeting[0] != _VERSION:
                raise RtmpRefused("it begins as no RTMP of version 3 does")
            if len(self._greeting) < 1 + _HANDSHAKE_BYTES:
                return b""
            theirs = bytes(self._greeting[1 : 1 + _HANDSHAKE_BYTES])
            del self._greeting[: 1 + _HANDSHAKE_BYTES]
            # S1: a time of zero and no version, which says that no digest is looked at; then S2,
            # their own bytes back (§5.2.3, §5.2.4).
            self._out += bytes((_VERSION,)) + bytes(_HANDSHAKE_BYTES) + theirs
            self.phase = RtmpPhase.GREETED
        if len(self._greeting) < _HANDSHAKE_BYTES:
            return b""
        rest = bytes(self._greeting[_HANDSHAKE_BYTES:])
        self._greeting.clear()
        self.phase = RtmpPhase.COMMANDS
        return rest

    # --- messages -----------------------------------------------------------------------------

    def _message(self, message: RtmpMessage) -> Iterator[RtmpEvent]:
        if self.phase is not RtmpPhase.SENDS:
            self._messages += 1
            if self._messages > _MOST_STRANGER_MESSAGES:
                raise RtmpRefused("messages without end")
        match message.kind:
            case chunks.AUDIO | chunks.VIDEO | chunks.DATA:
                if self.phase is RtmpPhase.SENDS:
                    yield MediaSent(message)
            case chunks.COMMAND:
                yield from self._command(message.payload)
            case chunks.WINDOW:
                self._window = max(4096, int.from_bytes(message.payload[:4], "big"))
            case 15 | 16 | 17 | 19 | 22:
                raise RtmpRefused("AMF3, shared objects and aggregates are not spoken here")
            case _:
                pass  # acknowledgements, buffer lengths and pings want nothing of us

    def _command(self, payload: bytes) -> Iterator[RtmpEvent]:
        self._commands += 1
        if self._commands > _MOST_COMMANDS:
            raise RtmpRefused("commands without end")
        values = read_values(payload)
        if len(values) < 2 or not isinstance(values[0], str) or not isinstance(values[1], float):
            raise RtmpRefused("a command without name or number")
        name, number = values[0], values[1]
        match name:
            case "connect":
                self._connected(number)
            case "createStream":
                self._answer(number, None, float(_STREAM_ID))
            case "publish":
                key = values[3] if len(values) > 3 else None
                if not isinstance(key, str) or len(key) > _MOST_KEY_CHARACTERS:
                    raise RtmpRefused("no stream key")
                if self.phase is not RtmpPhase.COMMANDS:
                    raise RtmpRefused("asked to send twice")
                self.phase = RtmpPhase.ASKED
                # Some add parameters to the key as to an address.
                yield PublishAsked(key.partition("?")[0].strip())
            case "play" | "play2":
                raise RtmpRefused("asked to play: nothing is given out by RTMP")
            case "FCUnpublish" | "deleteStream" | "closeStream":
                if self.phase is RtmpPhase.SENDS:
                    self.phase = RtmpPhase.ENDED
                    yield SendingEnded()
            case "releaseStream" | "FCPublish" | "_checkbw":
                self._answer(number, None, None)
            case _:
                pass  # answers to nothing, and what makers added

    def _connected(self, number: float) -> None:
        self._control(chunks.WINDOW, struct.pack("!I", _OUR_WINDOW))
        self._control(chunks.BANDWIDTH, struct.pack("!IB", _OUR_WINDOW, 2))
        self._control(chunks.SET_CHUNK_SIZE, struct.pack("!I", chunks.OUR_CHUNK_BYTES))
        self._answer(
            number,
            {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0},
            {
                "level": "status",
                "code": "NetConnection.Connect.Success",
                "description": "connected",
                "objectEncoding": 0.0,
            },
        )

    # --- out ----------------------------------------------------------------------------------

    def _answer(self, number: float, *values: Value) -> None:
        self._say(values_bytes(["_result", number, *values]), stream_id=0)

    def _status(self, level: str, code: str, words: str) -> None:
        told: Value = {"level": level, "code": code, "description": words}
        self._say(values_bytes(["onStatus", 0.0, None, told]), stream_id=_STREAM_ID)

    def _say(self, body: bytes, *, stream_id: int) -> None:
        message = RtmpMessage(chunks.COMMAND, 0, stream_id, body)
        self._out += message_bytes(message, chunk_stream=_COMMANDS)

    def _control(self, kind: int, body: bytes) -> None:
        self._out += message_bytes(RtmpMessage(kind, 0, 0, body), chunk_stream=_CONTROL)
