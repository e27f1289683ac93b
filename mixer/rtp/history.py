"""What was sent lately on a transport, by transport-wide sequence number.

A ring of fixed size: a peer that reports on packets never sent, or sent long ago, finds nothing.
"""

from __future__ import annotations

from array import array
from enum import IntEnum

from mixer.rtp.sequence import Unwrapper

LENGTH = 1 << 13  # packets: 8 s at 1,000 packets/s


class PacketState(IntEnum):
    """What is known of a sent packet."""

    UNKNOWN = 0  # nothing was reported yet
    LOST = 1  # reported as not arrived
    ARRIVED = 2
    ASSUMED = 3  # the feedback on it was lost itself; taken as arrived like the others


class SentPackets:
    """The ring. Sequence numbers are unwrapped; slots are found by their low bits."""

    def __init__(self, length: int = LENGTH) -> None:
        if length & (length - 1):
            raise ValueError("the length is a power of two")
        self.mask = length - 1
        self.sequences = array("q", [-1]) * length
        self.sent_ns = array("q", [0]) * length
        self.sizes = array("l", [0]) * length
        self.states = bytearray(length)
        self._unwrapper = Unwrapper()

    def add(self, sequence: int, sent_ns: int, size_bytes: int) -> None:
        """A packet left; `sequence` is its 16-bit number."""
        unwrapped = self._unwrapper.unwrap(sequence & 0xFFFF)
        slot = unwrapped & self.mask
        self.sequences[slot] = unwrapped
        self.sent_ns[slot] = sent_ns
        self.sizes[slot] = size_bytes
        self.states[slot] = PacketState.UNKNOWN

    def unwrap(self, sequence: int) -> int:
        """The number a reported 16-bit sequence stands for, as seen from the newest packet."""
        return self._unwrapper.peek(sequence)

    def assume(self, first: int, end: int) -> int:
        """Mark what is unknown in [first, end) as assumed; its bytes."""
        size_bytes = 0
        for sequence in range(max(first, end - len(self.states)), end):
            slot = sequence & self.mask
            if self.sequences[slot] == sequence and self.states[slot] == PacketState.UNKNOWN:
                self.states[slot] = PacketState.ASSUMED
                size_bytes += self.sizes[slot]
        return size_bytes
