"""A camera's sound packets: which of them are its own, and what is in them.

G.711 and G.722 by RFC 3551 §4.5, AAC by RFC 3640 §3.3.6 (mode AAC-hbr). Sans-IO. Timestamps that
stand still or jump are not believed: the count goes on by what the packets hold, and a hole is one
where as much time has passed as it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hardware_profiles.room_agent.passing.sender import OneSender
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket
from mixer.rtp.sequence import TIMESTAMP_BITS, Unwrapper

RATE = 48_000
CODECS = ("MPEG4-GENERIC", "PCMA", "PCMU", "G722")
# A frame's samples. AAC's transform overlaps by one frame: what a decoder makes of a frame is what
# the encoder was given with the one before. How far it looks ahead beside is its own secret.
AAC_SAMPLES = 1_024
# An AAC frame of two channels at 320 kb/s is 1,700 bytes at 24 kHz; no camera sends as much.
_MOST_UNITS = 16
# A hole whose length fits what has passed is one; more than this beside it, the camera miscounts.
_MOST_BESIDE_S = 0.5
# Rounding of a camera's own count, packet by packet.
_MOST_STEP_S = 0.005


@dataclass(frozen=True, slots=True)
class CodedPiece:
    """What is decoded at once: its first sample's position at 48 kHz, and how many it holds."""

    position: int
    samples: int
    data: bytes


class SoundPackets:
    """One connection's."""

    def __init__(self, track: CameraTrack) -> None:
        self.dropped: Counter[str] = Counter()
        self.corrections = 0
        self.newest = 0  # the position behind the last piece
        self._track = track
        self._sender = OneSender(track.payload_type, self.dropped)
        self._ticks = Unwrapper(TIMESTAMP_BITS)
        self._offset = 0  # what is added to the camera's ticks at 48 kHz
        self._at: float | None = None

    @property
    def delay_s(self) -> float:
        """By how much what is decoded is older than its timestamp says."""
        return AAC_SAMPLES / self._track.clock_rate if _is_aac(self._track) else 0.0

    @property
    def ssrc(self) -> int | None:
        """Whose they are."""
        return self._sender.ssrc

    def position_of(self, timestamp: int) -> int:
        """Where a report's timestamp stands among the pieces."""
        return self._scaled(self._ticks.peek(timestamp)) + self._offset

    def packet(self, data: bytes, at: float) -> list[CodedPiece]:
        """The pieces of an RTP packet that came `at`."""
        try:
            packet = RtpPacket.parse(data)
            units = list(self._units(packet.payload)) if packet.payload else []
        except MalformedPacketError:
            self.dropped["broken"] += 1
            return []
        if self._sender.missing_before(packet, at) is None or not units:
            return []
        if self._sender.began_anew:
            self._ticks = Unwrapper(TIMESTAMP_BITS)
        position = self._placed(self._scaled(self._ticks.unwrap(packet.timestamp)), at)
        pieces = []
        for unit in units:
            samples = self._samples(len(unit))
            pieces.append(CodedPiece(position, samples, unit))
            position += samples
        self.newest, self._at = position, at
        return pieces

    def _placed(self, told: int, at: float) -> int:
        """The position by what the camera tells, as long as it can be so."""
        position = told + self._offset
        if self._at is None:
            return position
        step = (position - self.newest) / RATE
        if abs(step) > _MOST_STEP_S and abs(step - (at - self._at)) > _MOST_BESIDE_S:
            self.corrections += 1
            self._offset += self.newest - position
            return self.newest
        if -_MOST_BESIDE_S < step < -_MOST_STEP_S:  # it stands still, or goes back a little
            self.corrections += 1
            self._offset += self.newest - position
            return self.newest
        return position

    def _scaled(self, ticks: int) -> int:
        return ticks * RATE // self._track.clock_rate

    def _samples(self, size: int) -> int:
        match self._track.codec:
            case "MPEG4-GENERIC":
                return AAC_SAMPLES * RATE // self._track.clock_rate
            case "G722":  # two samples a byte, of 16 kHz
                return size * 2 * RATE // 16_000
            case _:
                return size // self._track.channels * RATE // self._track.clock_rate

    def _units(self, payload: bytes) -> Iterator[bytes]:
        if not _is_aac(self._track):
            yield payload
            return
        # AU-headers-length in bits, then 13 bits of size and 3 of index each.
        count, rest = divmod(int.from_bytes(payload[:2], "big"), 16)
        start = 2 + 2 * count
        if rest or not 0 < count <= _MOST_UNITS or len(payload) < start:
            raise MalformedPacketError("AAC: its headers lie about their length")
        for number in range(count):
            size = int.from_bytes(payload[2 + 2 * number : 4 + 2 * number], "big") >> 3
            if not size or start + size > len(payload):
                raise MalformedPacketError("AAC: a frame that is not whole")
            yield payload[start : start + size]
            start += size


def _is_aac(track: CameraTrack) -> bool:
    return track.codec == "MPEG4-GENERIC"
