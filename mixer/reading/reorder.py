"""The reorder buffer of one track: packets in any order in, packets in order and losses out.

Nobody waits for a recording, so a missing packet is waited for much longer than a live receiver
could: retransmissions over a bad line take several round trips. In order, nothing waits at all.
Sans-IO: `now` is any steady clock in seconds. Sequence numbers are RFC 3550 §5.1's.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp.packet import RtpPacket
from mixer.rtp.sequence import Unwrapper, sequence_distance

# A NACKed packet over a satellite line is back after two or three round trips of 250 ms; one
# second minus the half-second fragments is what a kill may cost.
WAIT_S = 0.5

# One second of a 10 Mb/s picture is about 1,000 packets; past this the hole is given up.
CAPACITY = 2048

# A jump this far is no loss but a stream that began anew (RFC 3550 appendix A.1's MAX_DROPOUT).
MAX_JUMP = 3000


@dataclass(slots=True)
class Arrived:
    """The next packet in order; `lost_before` packets in front of it never came."""

    packet: RtpPacket
    lost_before: int


class ReorderBuffer:
    """Holds what came too early, for at most `wait_s` or `capacity` packets."""

    def __init__(self, *, wait_s: float = WAIT_S, capacity: int = CAPACITY) -> None:
        self._wait_s = wait_s
        self._capacity = capacity
        self._unwrapper = Unwrapper()
        self._begun = False
        self._next = 0  # the number that may go out next
        self._held: dict[int, tuple[RtpPacket, float]] = {}
        self.lost_packets = 0
        self.late_packets = 0  # came after their hole was given up, or twice
        self.restarts = 0
        self._lost_unseen = 0  # a stream that began anew: its first packet follows an unknown loss

    def push(self, packet: RtpPacket, now: float) -> list[Arrived]:
        """Take a packet; what is now in order comes out at once."""
        newest = self._unwrapper.newest
        out: list[Arrived] = []
        if newest is not None:
            distance = sequence_distance(packet.sequence_number, newest & 0xFFFF)
            if abs(distance) > MAX_JUMP:
                out = self.flush()
                self._unwrapper = Unwrapper()
                self._begun = False
                self._lost_unseen = 1
                self.restarts += 1
        number = self._unwrapper.unwrap(packet.sequence_number)
        if not self._begun:
            self._begun = True
            self._next = number
        if number < self._next or number in self._held:
            self.late_packets += 1
            return out
        self._held[number] = (packet, now)
        out += self._in_order(0)
        while len(self._held) > self._capacity:
            out += self._give_up()
        return out

    def poll(self, now: float) -> list[Arrived]:
        """Give up holes that were waited for long enough."""
        out: list[Arrived] = []
        while self._held and min(at for _, at in self._held.values()) + self._wait_s <= now:
            out += self._give_up()
        return out

    def flush(self) -> list[Arrived]:
        """All that is held, in order: the track ends or begins anew."""
        out: list[Arrived] = []
        while self._held:
            out += self._give_up()
        return out

    @property
    def next_timeout(self) -> float | None:
        """When `poll` has something to do, None while nothing waits."""
        if not self._held:
            return None
        return min(at for _, at in self._held.values()) + self._wait_s

    def _give_up(self) -> list[Arrived]:
        first = min(self._held)
        lost = first - self._next
        self.lost_packets += lost
        self._next = first
        return self._in_order(lost)

    def _in_order(self, lost: int) -> list[Arrived]:
        out = []
        while self._next in self._held:
            packet, _ = self._held.pop(self._next)
            out.append(Arrived(packet, lost + self._lost_unseen))
            lost = self._lost_unseen = 0
            self._next += 1
        return out
