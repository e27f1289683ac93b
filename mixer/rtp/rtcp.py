"""RTCP: sender and receiver reports, source descriptions, goodbyes, and compound packets.

RFC 3550 §6 (SR, RR, SDES, BYE), RFC 5506 (reduced-size packets are taken as they come), RFC 5761
(RTCP on the media port). The feedback messages are in `feedback`; `parse_compound` reads both.
What to report, and when, is left to the callers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.feedback import (
    PAYLOAD_FEEDBACK,
    TRANSPORT_FEEDBACK,
    Fir,
    Nack,
    Pli,
    Remb,
    UnknownFeedback,
    parse_payload_feedback,
    parse_transport_feedback,
)
from mixer.rtp.twcc import TransportWideFeedback

VERSION = 2
SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203

CNAME = 1

_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!IQIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one stream (RFC 3550 §6.4.1), in the RFC's units.

    `fraction_lost` is in 1/256, `jitter` in timestamp ticks, `delay_since_last_sr` in 1/65,536 s.
    """

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    extended_highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR: the sender's clock (64-bit NTP against RTP timestamp) and what it sent."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR: report blocks of one that sends nothing itself."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES: per source its items as (type, UTF-8 bytes)."""

    chunks: tuple[tuple[int, tuple[tuple[int, bytes], ...]], ...]

    @classmethod
    def of_cname(cls, ssrc: int, cname: str) -> SourceDescription:
        """The one chunk every compound packet needs."""
        return cls(((ssrc, ((CNAME, cname.encode()),)),))


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE: these sources stop."""

    ssrcs: tuple[int, ...]
    reason: bytes = b""


@dataclass(frozen=True, slots=True)
class UnknownRtcp:
    """A well-framed packet of a type we do not read (APP, XR, …)."""

    packet_type: int
    count: int
    body: bytes


RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | Pli
    | Fir
    | Remb
    | TransportWideFeedback
    | UnknownFeedback
    | UnknownRtcp
)


def parse_compound(data: bytes) -> list[RtcpPacket]:
    """Every packet of a datagram, in order. Raises `MalformedPacketError` if one is broken."""
    if not data:
        raise MalformedPacketError("RTCP: empty")
    packets: list[RtcpPacket] = []
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            raise MalformedPacketError("RTCP: header is cut off")
        first, packet_type = data[at], data[at + 1]
        if first >> 6 != VERSION:
            raise MalformedPacketError(f"RTCP: version {first >> 6}")
        end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            raise MalformedPacketError("RTCP: packet is cut off")
        body = bytes(data[at + 4 : end])
        if first & 0x20:
            if end != len(data):
                raise MalformedPacketError("RTCP: padding before the last packet")
            # RFC 3550 §6.4.1 wants whole words; libwebrtc pads its transport-wide feedback with one
            # to three bytes (Chromium 156 does), and it is right about everything else.
            short = (packet_type, first & 0x1F) == (
                TRANSPORT_FEEDBACK,
                TransportWideFeedback.FORMAT,
            )
            body = _without_padding(body, unit=1 if short else 4)
        packets.append(_parse_one(packet_type, first & 0x1F, body))
        at = end
    return packets


def serialize_compound(packets: Iterable[RtcpPacket]) -> bytes:
    """One datagram of these packets. Raises `ValueError` when a value does not fit its field."""
    return b"".join(serialize(packet) for packet in packets)


def serialize(packet: RtcpPacket) -> bytes:
    """One packet with its header."""
    try:
        packet_type, count, body = _serialize_body(packet)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a number does not fit its field: {error}") from error
    if count > 31:
        raise ValueError("at most 31 reports or sources in one RTCP packet")
    return frame(packet_type, count, body)


def frame(packet_type: int, count: int, body: bytes) -> bytes:
    """The common header before a body of whole 32-bit words."""
    if len(body) % 4 or len(body) > 0xFFFF * 4:
        raise ValueError("an RTCP body is at most 65,535 whole words")
    header = bytes((VERSION << 6 | count, packet_type)) + (len(body) // 4).to_bytes(2, "big")
    return header + body


def _without_padding(body: bytes, *, unit: int) -> bytes:
    padding = body[-1] if body else 0
    if padding == 0 or padding > len(body) or padding % unit:
        raise MalformedPacketError("RTCP: padding does not fit the packet")
    return body[:-padding]


def _parse_one(packet_type: int, count: int, body: bytes) -> RtcpPacket:
    parser = _PARSERS.get(packet_type)
    return UnknownRtcp(packet_type, count, body) if parser is None else parser(count, body)


def _serialize_body(packet: RtcpPacket) -> tuple[int, int, bytes]:
    kind: tuple[int, int, bytes]
    match packet:
        case SenderReport():
            head = _SENDER.pack(
                packet.ssrc, packet.ntp, packet.rtp_timestamp, packet.packets, packet.octets
            )
            kind = SENDER_REPORT, len(packet.reports), head + _block_bytes(packet.reports)
        case ReceiverReport():
            head = packet.ssrc.to_bytes(4, "big")
            kind = RECEIVER_REPORT, len(packet.reports), head + _block_bytes(packet.reports)
        case SourceDescription():
            kind = SOURCE_DESCRIPTION, len(packet.chunks), _description_bytes(packet)
        case Goodbye():
            kind = GOODBYE, len(packet.ssrcs), _goodbye_bytes(packet)
        case Nack() | TransportWideFeedback():
            kind = TRANSPORT_FEEDBACK, packet.FORMAT, packet.body()
        case Pli() | Fir() | Remb():
            kind = PAYLOAD_FEEDBACK, packet.FORMAT, packet.body()
        case UnknownFeedback():
            kind = packet.packet_type, packet.format, packet.body()
        case UnknownRtcp():
            kind = packet.packet_type, packet.count, packet.body
    return kind


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < _SENDER.size:
        raise MalformedPacketError("SR: cut off")
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER.unpack_from(body)
    reports = _parse_blocks(count, body[_SENDER.size :])
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, reports)


def _parse_receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise MalformedPacketError("RR: cut off")
    return ReceiverReport(int.from_bytes(body[:4], "big"), _parse_blocks(count, body[4:]))


def _parse_blocks(count: int, body: bytes) -> tuple[ReportBlock, ...]:
    # Bytes after the blocks are a profile's own (RFC 3550 §6.4.3): passed over.
    if len(body) < count * _BLOCK.size:
        raise MalformedPacketError("RTCP report: blocks are cut off")
    blocks = []
    for at in range(0, count * _BLOCK.size, _BLOCK.size):
        ssrc, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, at)
        cumulative = lost & 0xFF_FFFF
        if cumulative & 0x80_0000:
            cumulative -= 0x100_0000
        blocks.append(ReportBlock(ssrc, lost >> 24, cumulative, highest, jitter, last_sr, delay))
    return tuple(blocks)


def _block_bytes(blocks: tuple[ReportBlock, ...]) -> bytes:
    out = bytearray()
    for block in blocks:
        if not 0 <= block.fraction_lost <= 255:
            raise ValueError("fraction lost is 0…255")
        # 24 bits, signed: it stays at its ends (RFC 3550 appendix A.3).
        cumulative = max(-0x80_0000, min(0x7F_FFFF, block.cumulative_lost))
        out += _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | cumulative & 0xFF_FFFF,
            block.extended_highest_sequence,
            block.jitter,
            block.last_sr,
            block.delay_since_last_sr,
        )
    return bytes(out)


def _parse_source_description(count: int, body: bytes) -> SourceDescription:
    """RFC 3550 §6.5: chunks of items, each chunk ended by 1 … 4 zero bytes on a word border."""
    chunks = []
    at = 0
    for _ in range(count):
        if at + 4 > len(body):
            raise MalformedPacketError("SDES: chunk is cut off")
        ssrc = int.from_bytes(body[at : at + 4], "big")
        at += 4
        items = []
        while at < len(body) and body[at] != 0:
            if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
                raise MalformedPacketError("SDES: item is cut off")
            items.append((body[at], body[at + 2 : at + 2 + body[at + 1]]))
            at += 2 + body[at + 1]
        at += 4 - at % 4
        if at > len(body):
            raise MalformedPacketError("SDES: chunk is not ended")
        chunks.append((ssrc, tuple(items)))
    return SourceDescription(tuple(chunks))


def _description_bytes(packet: SourceDescription) -> bytes:
    out = bytearray()
    for ssrc, items in packet.chunks:
        out += ssrc.to_bytes(4, "big")
        for kind, text in items:
            if not 1 <= kind <= 255 or len(text) > 255:
                raise ValueError("an SDES item is type 1…255 and at most 255 bytes")
            out += bytes((kind, len(text))) + text
        out += bytes(4 - len(out) % 4)
    return bytes(out)


def _parse_goodbye(count: int, body: bytes) -> Goodbye:
    if len(body) < 4 * count:
        raise MalformedPacketError("BYE: sources are cut off")
    ssrcs = tuple(int.from_bytes(body[at : at + 4], "big") for at in range(0, 4 * count, 4))
    reason = b""
    rest = body[4 * count :]
    if rest:
        if 1 + rest[0] > len(rest):
            raise MalformedPacketError("BYE: reason is cut off")
        reason = rest[1 : 1 + rest[0]]
    return Goodbye(ssrcs, reason)


def _goodbye_bytes(packet: Goodbye) -> bytes:
    out = bytearray(b"".join(ssrc.to_bytes(4, "big") for ssrc in packet.ssrcs))
    if packet.reason:
        if len(packet.reason) > 255:
            raise ValueError("a BYE reason is at most 255 bytes")
        out += bytes([len(packet.reason)]) + packet.reason
        out += bytes(-len(out) % 4)
    return bytes(out)


_PARSERS: dict[int, Callable[[int, bytes], RtcpPacket]] = {
    SENDER_REPORT: _parse_sender_report,
    RECEIVER_REPORT: _parse_receiver_report,
    SOURCE_DESCRIPTION: _parse_source_description,
    GOODBYE: _parse_goodbye,
    TRANSPORT_FEEDBACK: parse_transport_feedback,
    PAYLOAD_FEEDBACK: parse_payload_feedback,
}
