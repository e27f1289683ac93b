"""Payloads as encoders make them: VP8 descriptors, H.264 NAL units, and packets of a stream."""

from __future__ import annotations

from mixer.rtp.packet import RtpPacket
from mixer.rtp.vp8 import Vp8Descriptor
from tests.models.rewriting import SourcePacket


def vp8(
    *,
    keyframe: bool,
    start: bool = True,
    picture_id: int | None = None,
    picture_id_bits: int = 15,
    tl0_index: int | None = None,
    body: bytes = b"",
) -> bytes:
    descriptor = Vp8Descriptor(
        start_of_partition=start,
        partition_index=0,
        picture_id=picture_id,
        picture_id_bits=picture_id_bits,
        tl0_picture_index=tl0_index,
        temporal_index=0 if tl0_index is not None else None,
    )
    return descriptor.serialize() + bytes([0x00 if keyframe else 0x01]) + body


# A slice begins with its first macroblock's number: 0 is the bit 1, 1 the bits 010 (H.264 §9.1).
FIRST_SLICE, FURTHER_SLICE = b"\x80", b"\x40"


def h264_nal(nal_type: int, body: bytes = b"\x80body", *, importance: int = 3) -> bytes:
    return bytes([importance << 5 | nal_type]) + body


def h264_stap(*nals: bytes) -> bytes:
    return bytes([0x78]) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def h264_fragment(
    nal_type: int,
    *,
    start: bool,
    end: bool = False,
    body: bytes = b"\x80",
    importance: int = 3,
) -> bytes:
    flags = (0x80 if start else 0) | (0x40 if end else 0)
    return bytes([importance << 5 | 28, flags | nal_type]) + body


SPS, PPS, IDR, SLICE = 7, 8, 5, 1


def packet_of(source: SourcePacket, *, ssrc: int, payload_type: int) -> RtpPacket:
    """The packet as its publisher sends it; padding alone when there is no payload."""
    return RtpPacket(
        payload_type=payload_type,
        sequence_number=source.sequence,
        timestamp=source.timestamp,
        ssrc=ssrc,
        payload=source.payload,
        marker=source.marker,
        padding_bytes=0 if source.payload else 7,
    )


def rtx_of(source: SourcePacket, *, ssrc: int, payload_type: int, sequence: int) -> RtpPacket:
    """The packet as a retransmission (RFC 4588)."""
    return RtpPacket(
        payload_type=payload_type,
        sequence_number=sequence & 0xFFFF,
        timestamp=source.timestamp,
        ssrc=ssrc,
        payload=source.sequence.to_bytes(2, "big") + source.payload,
        marker=source.marker,
    )
