"""RTCP feedback messages: generic NACK, PLI, FIR and REMB.

RFC 4585 §6 (framing, NACK, PLI), RFC 5104 §4.3.1 (FIR), draft-alvestrand-rmcat-remb-03 (REMB).
Transport-wide feedback is long enough for its own file, `twcc`. Reading whole datagrams is
`rtcp`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.nack import pack_sequences, unpack_sequences
from mixer.rtp.twcc import TransportWideFeedback

TRANSPORT_FEEDBACK = 205  # RTPFB
PAYLOAD_FEEDBACK = 206  # PSFB

REMB_MAX_MANTISSA = (1 << 18) - 1


@dataclass(frozen=True, slots=True)
class Nack:
    """These packets of `media_ssrc` did not arrive (16-bit sequence numbers)."""

    FORMAT: ClassVar[int] = 1

    sender_ssrc: int
    media_ssrc: int
    sequences: tuple[int, ...]

    def body(self) -> bytes:
        """All after the common RTCP header."""
        if not self.sequences:
            raise ValueError("a NACK names at least one packet")
        out = bytearray(_ssrcs(self.sender_ssrc, self.media_ssrc))
        for pid, blp in pack_sequences(self.sequences):
            out += pid.to_bytes(2, "big") + blp.to_bytes(2, "big")
        return bytes(out)


@dataclass(frozen=True, slots=True)
class Pli:
    """Picture loss: `media_ssrc` shall send a keyframe."""

    FORMAT: ClassVar[int] = 1

    sender_ssrc: int
    media_ssrc: int

    def body(self) -> bytes:
        """All after the common RTCP header."""
        return _ssrcs(self.sender_ssrc, self.media_ssrc)


@dataclass(frozen=True, slots=True)
class Fir:
    """Full intra request: per source a command number that must change with each new request."""

    FORMAT: ClassVar[int] = 4

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]  # (ssrc, command number 0 … 255)

    def body(self) -> bytes:
        """All after the common RTCP header."""
        if not self.entries:
            raise ValueError("a FIR names at least one source")
        out = bytearray(_ssrcs(self.sender_ssrc, 0))
        for ssrc, number in self.entries:
            out += ssrc.to_bytes(4, "big") + number.to_bytes(1, "big") + bytes(3)
        return bytes(out)


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver-estimated maximum bitrate: all these sources together may send so much.

    The wire has 18 bits of mantissa: `body` rounds down to what fits.
    """

    FORMAT: ClassVar[int] = 15

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...] = ()

    def body(self) -> bytes:
        """All after the common RTCP header."""
        if self.bitrate_bps < 0 or len(self.ssrcs) > 255:
            raise ValueError("REMB: bitrate not below 0, at most 255 sources")
        exponent = max(0, self.bitrate_bps.bit_length() - 18)
        if exponent > 63:
            raise ValueError("REMB: bitrate too large")
        mantissa = self.bitrate_bps >> exponent
        head = len(self.ssrcs) << 24 | exponent << 18 | mantissa
        out = bytearray(_ssrcs(self.sender_ssrc, 0) + b"REMB" + head.to_bytes(4, "big"))
        for ssrc in self.ssrcs:
            out += ssrc.to_bytes(4, "big")
        return bytes(out)


@dataclass(frozen=True, slots=True)
class UnknownFeedback:
    """A well-framed feedback message of a format we do not read."""

    packet_type: int
    format: int
    sender_ssrc: int
    media_ssrc: int
    control: bytes

    def body(self) -> bytes:
        """All after the common RTCP header."""
        return _ssrcs(self.sender_ssrc, self.media_ssrc) + self.control


def parse_transport_feedback(
    message_format: int, body: bytes
) -> Nack | TransportWideFeedback | UnknownFeedback:
    """A transport-layer feedback message (packet type 205) without its common header."""
    sender, media, control = _split(body)
    if message_format == Nack.FORMAT:
        if not control or len(control) % 4:
            raise MalformedPacketError("NACK: no whole entries")
        entries = [
            (
                int.from_bytes(control[at : at + 2], "big"),
                int.from_bytes(control[at + 2 : at + 4], "big"),
            )
            for at in range(0, len(control), 4)
        ]
        return Nack(sender, media, tuple(unpack_sequences(entries)))
    if message_format == TransportWideFeedback.FORMAT:
        return TransportWideFeedback.parse(sender, media, control)
    return UnknownFeedback(TRANSPORT_FEEDBACK, message_format, sender, media, control)


def parse_payload_feedback(message_format: int, body: bytes) -> Pli | Fir | Remb | UnknownFeedback:
    """A payload-specific feedback message (packet type 206) without its common header."""
    sender, media, control = _split(body)
    if message_format == Pli.FORMAT:
        return Pli(sender, media)
    if message_format == Fir.FORMAT:
        if not control or len(control) % 8:
            raise MalformedPacketError("FIR: no whole entries")
        return Fir(
            sender,
            tuple(
                (int.from_bytes(control[at : at + 4], "big"), control[at + 4])
                for at in range(0, len(control), 8)
            ),
        )
    if message_format == Remb.FORMAT and control[:4] == b"REMB":
        return _parse_remb(sender, control)
    return UnknownFeedback(PAYLOAD_FEEDBACK, message_format, sender, media, control)


def _parse_remb(sender: int, control: bytes) -> Remb:
    if len(control) < 8 or len(control) < 8 + 4 * control[4]:
        raise MalformedPacketError("REMB: cut off")
    head = int.from_bytes(control[4:8], "big")
    bitrate_bps = (head & REMB_MAX_MANTISSA) << (head >> 18 & 0x3F)
    ssrcs = tuple(
        int.from_bytes(control[at : at + 4], "big") for at in range(8, 8 + 4 * control[4], 4)
    )
    return Remb(sender, bitrate_bps, ssrcs)


def _split(body: bytes) -> tuple[int, int, bytes]:
    if len(body) < 8:
        raise MalformedPacketError("RTCP feedback: cut off")
    return int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big"), body[8:]


def _ssrcs(sender: int, media: int) -> bytes:
    return sender.to_bytes(4, "big") + media.to_bytes(4, "big")
