"""Opus in RTP: what a packet's first byte tells.

RFC 7587 (payload format: one Opus packet per RTP packet, clock 48 kHz), RFC 6716 §3.1 (the table
of contents byte) and §3.2 (frame counts). Nothing is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError

CLOCK_RATE = 48_000
MAX_PACKET_SAMPLES = 5760  # 120 ms (RFC 6716 §3.2.5 R5)

# Frame length in 48 kHz samples by configuration number (RFC 6716 table 2).
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
FRAME_SAMPLES = _SILK * 3 + _HYBRID * 2 + _CELT * 4


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """The shape of one Opus packet: durations are in samples at 48 kHz, whatever its bandwidth."""

    configuration: int
    stereo: bool
    frames: int
    frame_samples: int

    @property
    def samples(self) -> int:
        """Duration of the whole packet."""
        return self.frames * self.frame_samples

    @classmethod
    def parse(cls, payload: bytes) -> OpusPacket:
        """Read the table of contents. Raises `MalformedPacketError`.

        An empty payload is malformed; a lone first byte is a packet of silence (DTX).
        """
        if not payload:
            raise MalformedPacketError("Opus: empty payload")
        configuration, code = payload[0] >> 3, payload[0] & 3
        frame_samples = FRAME_SAMPLES[configuration]
        if code == 3:
            if len(payload) < 2:
                raise MalformedPacketError("Opus: frame count is cut off")
            frames = payload[1] & 0x3F
            if frames == 0 or frames * frame_samples > MAX_PACKET_SAMPLES:
                raise MalformedPacketError(f"Opus: {frames} frames of {frame_samples} samples")
        else:
            frames = 1 if code == 0 else 2
        return cls(configuration, bool(payload[0] & 4), frames, frame_samples)


def samples_of(payload: bytes) -> int:
    """How long a packet is, in samples. Raises `MalformedPacketError`."""
    if payload and payload[0] & 3 == 0:  # one frame, as nearly always
        return FRAME_SAMPLES[payload[0] >> 3]
    return OpusPacket.parse(payload).samples


def is_silence(payload: bytes) -> bool:
    """Whether this packet is DTX: nothing but the header, at most one byte of it."""
    return len(payload) <= 2
