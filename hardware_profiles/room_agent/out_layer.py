"""One picture stream as it leaves for the server: numbers, timestamps, what may be asked for again.

RFC 3550 §5.1 and §6.4.1, RFC 4585 §6.2.1 (a lost packet is sent again as it was). Sans-IO. The live
picture and the last group, played to somebody new, are one stream: numbers go on, and no timestamp
goes back.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable
from random import Random

from hardware_profiles.room_agent.passing.group import Passed
from mixer.rtp.rtcp import Goodbye, SenderReport, SourceDescription, serialize_compound
from mixer.rtp.sequence import ntp_from_unix_ns, timestamp_distance

# A second of 4 Mb/s: what was lost longer ago than that, nobody waits for any more.
HISTORY_PACKETS = 512
# 0.1 ms: a group of a hundred pictures fits between two pictures of a camera.
_GROUP_STEP = 9
_HEADER = struct.Struct("!BBHII")


class OutLayer:
    """One SSRC. Set `payload_type` when it has been agreed."""

    def __init__(self, rng: Random) -> None:
        self.ssrc = rng.randrange(1, 1 << 32)
        self.payload_type = 0
        self.packets = 0
        self.octets = 0
        self._sequence = rng.randrange(1 << 15)  # far from wrapping at first (RFC 3711 §3.3.1)
        self._reported: int | None = None  # the highest number that the server has told of
        self._gaps = 0  # numbers left free since then
        self._history: OrderedDict[int, bytes] = OrderedDict()
        self._picture: tuple[int, int] | None = None  # the newest: its own timestamp, and as sent

    def live(self, packet: Passed) -> bytes:
        """The next packet."""
        self._sequence = (self._sequence + packet.lost_before) & 0xFFFF
        self._gaps += packet.lost_before
        return self._bytes(packet, self._timestamp(packet.timestamp))

    def group(self, packets: Iterable[Passed]) -> list[bytes]:
        """The last group, for who begins now. The live picture goes on where it ends."""
        out = []
        own: int | None = None
        at = 0
        for packet in packets:
            if packet.timestamp != own:
                own = packet.timestamp
                at = own if self._picture is None else self._picture[1] + _GROUP_STEP
                at &= 0xFFFF_FFFF
                self._picture = own, at
            out.append(self._bytes(packet, at))
        return out

    def arrived(self, highest: int, fraction_lost: int) -> tuple[int, int]:
        """Lost and expected packets since the last report, by the server's (RFC 3550 §6.4.1).

        What the camera's own network lost is a gap in our numbers, too, and no fault of the line.
        """
        expected = 0 if self._reported is None else (highest - self._reported) & 0xFFFF
        gaps, self._reported, self._gaps = self._gaps, highest & 0xFFFF, 0
        return max(0, round(fraction_lost / 256 * expected) - gaps), expected

    def again(self, sequence: int) -> bytes | None:
        """A packet that got lost; None when it is too long ago."""
        return self._history.get(sequence)

    def report(self, timestamp: int, unix: float, cname: str) -> bytes:
        """What is told of this stream: its picture `timestamp` was taken at Unix time `unix`."""
        ntp = ntp_from_unix_ns(round(unix * 1e9))
        report = SenderReport(
            self.ssrc, ntp, timestamp, self.packets & 0xFFFF_FFFF, self.octets & 0xFFFF_FFFF
        )
        return serialize_compound([report, SourceDescription.of_cname(self.ssrc, cname)])

    def goodbye(self) -> bytes:
        """It ends."""
        return serialize_compound([Goodbye((self.ssrc,))])

    def _timestamp(self, own: int) -> int:
        if self._picture is None:
            self._picture = own, own
        elif own != self._picture[0]:
            # After a group its own time may have been given away already.
            ahead = (
                timestamp_distance(own, self._picture[1])
                <= 0
                < timestamp_distance(own, self._picture[0])
            )
            self._picture = own, (self._picture[1] + 1) & 0xFFFF_FFFF if ahead else own
        return self._picture[1]

    def _bytes(self, packet: Passed, timestamp: int) -> bytes:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        kind = self.payload_type | (0x80 if packet.marker else 0)
        data = _HEADER.pack(0x80, kind, sequence, timestamp, self.ssrc) + packet.payload
        if len(self._history) >= HISTORY_PACKETS:
            self._history.popitem(last=False)
        self._history[sequence] = data
        self.packets += 1
        self.octets += len(packet.payload)
        return data
