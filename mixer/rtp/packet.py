"""RTP packets and their header extensions, as bytes and as values.

RFC 3550 §5.1 (fixed header), RFC 8285 (one- and two-byte header extensions), RFC 7983 and
RFC 5761 (what arrives on one port). Payloads are left to `vp8`, `h264` and `opus`; the pump has
its own native reader of the same rules.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

from mixer.rtp.errors import MalformedPacketError

VERSION = 2
FIXED_HEADER_BYTES = 12

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000  # the lowest four bits are "appbits"

_FIXED = struct.Struct(">xBHII")
_HEADER = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")


class DatagramKind(Enum):
    """What a datagram on a shared port is, by its first bytes (RFC 7983 §7, RFC 5761 §4)."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    UNKNOWN = "unknown"


def datagram_kind(data: bytes) -> DatagramKind:
    """Sort a datagram; anything that fits no range is UNKNOWN and to be dropped."""
    if not data:
        return DatagramKind.UNKNOWN
    first = data[0]
    if first <= 3:
        return DatagramKind.STUN
    if 20 <= first <= 63:
        return DatagramKind.DTLS
    if 128 <= first <= 191 and len(data) >= 2:
        return DatagramKind.RTCP if 192 <= data[1] <= 223 else DatagramKind.RTP
    return DatagramKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """One element of a header extension: its negotiated id and its bytes."""

    id: int
    data: bytes


@dataclass(slots=True, unsafe_hash=True)
class RtpPacket:
    """One RTP packet. Whoever has one only reads it: to freeze it would treble what one costs.

    `payload` is without padding. `padding_bytes` counts the padding including its length byte
    (0: none). `unknown_extension` is `(profile, data)` of a header extension that is not
    RFC 8285's.
    """

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extensions: tuple[HeaderExtension, ...] = ()
    unknown_extension: tuple[int, bytes] | None = None
    padding_bytes: int = 0

    def extension(self, extension_id: int) -> bytes | None:
        """The data of the first extension element with this id, None if there is none."""
        for element in self.extensions:
            if element.id == extension_id:
                return element.data
        return None

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Read one packet. Raises `MalformedPacketError`."""
        if len(data) < FIXED_HEADER_BYTES:
            raise MalformedPacketError(f"RTP: {len(data)} bytes are less than a header")
        if data[0] == VERSION << 6:  # nothing but the fixed header, as taps and most senders send
            kind, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
            payload = bytes(data[FIXED_HEADER_BYTES:])
            return cls(kind & 0x7F, sequence, timestamp, ssrc, payload, kind >= 0x80)
        if data[0] >> 6 != VERSION:
            raise MalformedPacketError(f"RTP: version {data[0] >> 6}")
        kind, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
        csrcs, offset = _csrcs(data)
        extensions: tuple[HeaderExtension, ...] = ()
        unknown: tuple[int, bytes] | None = None
        if data[0] & 0x10:
            profile, body, offset = _extension_block(data, offset)
            if profile == ONE_BYTE_PROFILE:
                extensions = _parse_one_byte(body)
            elif profile & 0xFFF0 == TWO_BYTE_PROFILE:
                extensions = _parse_two_byte(body)
            else:
                unknown = (profile, body)
        end, padding = len(data), 0
        if data[0] & 0x20:
            padding = data[-1] if end > offset else 0
            if padding == 0 or padding > end - offset:
                raise MalformedPacketError("RTP: padding does not fit the packet")
            end -= padding
        return cls(
            payload_type=kind & 0x7F,
            sequence_number=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=bytes(data[offset:end]),
            marker=kind >= 0x80,
            csrcs=csrcs,
            extensions=extensions,
            unknown_extension=unknown,
            padding_bytes=padding,
        )

    def serialize(self) -> bytes:
        """The packet as bytes. Raises `ValueError` when a value does not fit its field."""
        if len(self.csrcs) > 15:
            raise ValueError("at most 15 CSRCs")
        if not 0 <= self.padding_bytes <= 255:
            raise ValueError("padding is 0…255 bytes")
        if not 0 <= self.payload_type <= 127:
            raise ValueError("payload type is 0…127")
        block = self._extension_bytes()
        first = (
            VERSION << 6
            | (0x20 if self.padding_bytes else 0)
            | (0x10 if block is not None else 0)
            | len(self.csrcs)
        )
        second = (0x80 if self.marker else 0) | self.payload_type
        try:
            out = bytearray(
                _HEADER.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
            )
            for csrc in self.csrcs:
                out += csrc.to_bytes(4, "big")
        except (OverflowError, struct.error) as error:
            raise ValueError(f"a number does not fit its field: {error}") from error
        if first == VERSION << 6:  # as most are
            return bytes(out + self.payload)
        if block is not None:
            out += block
        out += self.payload
        if self.padding_bytes:
            out += bytes(self.padding_bytes - 1) + bytes([self.padding_bytes])
        return bytes(out)

    def _extension_bytes(self) -> bytes | None:
        if self.unknown_extension is not None:
            if self.extensions:
                raise ValueError("a packet has one header extension: elements or an unknown one")
            profile, body = self.unknown_extension
            if profile == ONE_BYTE_PROFILE or profile & 0xFFF0 == TWO_BYTE_PROFILE:
                raise ValueError("this profile is not unknown: use `extensions`")
            if len(body) % 4:
                raise ValueError("a header extension is whole 32-bit words")
        elif self.extensions:
            profile, body = serialize_extensions(self.extensions)
        else:
            return None
        if len(body) > 0xFFFF * 4:
            raise ValueError("header extension too long")
        return profile.to_bytes(2, "big") + (len(body) // 4).to_bytes(2, "big") + body


def header_bytes(
    payload_type: int,
    sequence_number: int,
    timestamp: int,
    ssrc: int,
    *,
    marker: bool,
    extension: bytes = b"",
) -> bytes:
    """All that stands before the payload of a packet without CSRCs and padding.

    `extension` is of `extension_bytes`; numbers must fit their fields. For who sends many: a packet
    is this and its payload.
    """
    first = VERSION << 6 | (0x10 if extension else 0)
    second = (0x80 if marker else 0) | payload_type
    return _HEADER.pack(first, second, sequence_number, timestamp, ssrc) + extension


def extension_bytes(elements: tuple[HeaderExtension, ...]) -> bytes:
    """A whole header extension (RFC 3550 §5.3.1) of these elements."""
    profile, body = serialize_extensions(elements)
    return _EXTENSION.pack(profile, len(body) // 4) + body


def _csrcs(data: bytes) -> tuple[tuple[int, ...], int]:
    """The contributing sources, and where they end."""
    count = data[0] & 0x0F
    if not count:  # as nearly always
        return (), FIXED_HEADER_BYTES
    end = FIXED_HEADER_BYTES + 4 * count
    if len(data) < end:
        raise MalformedPacketError("RTP: CSRC list is cut off")
    return struct.unpack_from(f">{count}I", data, FIXED_HEADER_BYTES), end


def _extension_block(data: bytes, offset: int) -> tuple[int, bytes, int]:
    """Profile, body and end of the header extension at `offset` (RFC 3550 §5.3.1)."""
    if len(data) < offset + 4:
        raise MalformedPacketError("RTP: header extension is cut off")
    profile, words = _EXTENSION.unpack_from(data, offset)
    end = offset + 4 + 4 * words
    if len(data) < end:
        raise MalformedPacketError("RTP: header extension is cut off")
    return profile, bytes(data[offset + 4 : end]), end


def _parse_one_byte(body: bytes) -> tuple[HeaderExtension, ...]:
    """RFC 8285 §4.2: id and length−1 in one byte; id 0 is padding, id 15 ends the parsing."""
    elements = []
    at = 0
    while at < len(body):
        extension_id, size = body[at] >> 4, (body[at] & 0x0F) + 1
        if extension_id == 0:
            at += 1
            continue
        if extension_id == 15:
            break
        if at + 1 + size > len(body):
            raise MalformedPacketError("RTP: one-byte extension element is cut off")
        elements.append(HeaderExtension(extension_id, body[at + 1 : at + 1 + size]))
        at += 1 + size
    return tuple(elements)


def _parse_two_byte(body: bytes) -> tuple[HeaderExtension, ...]:
    """RFC 8285 §4.3: id, length, data; id 0 is one byte of padding."""
    elements = []
    at = 0
    while at < len(body):
        if body[at] == 0:
            at += 1
            continue
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            raise MalformedPacketError("RTP: two-byte extension element is cut off")
        size = body[at + 1]
        elements.append(HeaderExtension(body[at], body[at + 2 : at + 2 + size]))
        at += 2 + size
    return tuple(elements)


def serialize_extensions(elements: tuple[HeaderExtension, ...]) -> tuple[int, bytes]:
    """Profile and padded body of a header extension: one-byte form if all elements fit it."""
    one_byte = all(1 <= e.id <= 14 and 1 <= len(e.data) <= 16 for e in elements)
    body = bytearray()
    for element in elements:
        if one_byte:
            body.append(element.id << 4 | (len(element.data) - 1))
        elif 1 <= element.id <= 255 and len(element.data) <= 255:
            body += bytes((element.id, len(element.data)))
        else:
            raise ValueError(f"extension {element.id} of {len(element.data)} bytes fits no form")
        body += element.data
    body += bytes(-len(body) % 4)
    return (ONE_BYTE_PROFILE if one_byte else TWO_BYTE_PROFILE), bytes(body)


def parse_audio_level(data: bytes) -> tuple[bool, int]:
    """RFC 6464 §3: (voice activity, level in −dBov 0 … 127, 0 the loudest)."""
    if len(data) < 1:
        raise MalformedPacketError("audio level: empty")
    return bool(data[0] & 0x80), data[0] & 0x7F


def audio_level_bytes(*, voice: bool, level: int) -> bytes:
    """RFC 6464 §3, the counterpart of `parse_audio_level`."""
    if not 0 <= level <= 127:
        raise ValueError("audio level is 0…127 (−dBov)")
    return bytes([(0x80 if voice else 0) | level])


def parse_transport_sequence(data: bytes) -> int:
    """The transport-wide sequence number (16 bits)."""
    if len(data) < 2:
        raise MalformedPacketError("transport-wide sequence: too short")
    return int.from_bytes(data[:2], "big")


def abs_send_time_bytes(seconds: float) -> bytes:
    """A time as 24-bit 6.18 fixed point seconds; it wraps every 64 s."""
    return (round(seconds * (1 << 18)) & 0xFF_FFFF).to_bytes(3, "big")


def parse_abs_send_time(data: bytes) -> float:
    """Seconds (0 … 64) of an absolute send time element."""
    if len(data) < 3:
        raise MalformedPacketError("absolute send time: too short")
    return int.from_bytes(data[:3], "big") / (1 << 18)
