"""What was sent lately on a transport, and what a peer's feedback says became of it.

A ring of fixed size by transport-wide sequence number: a peer that reports on packets never sent,
or sent long ago, finds nothing. Here is the one loop that touches every packet of every line, so
it hands on whole bursts, not packets.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from mixer.rtp.sequence import sequence_distance
from mixer.rtp.twcc import TICK_US

LENGTH = 1 << 13  # packets: 8 s at 1,000 packets/s
TICK_S = TICK_US * 1e-6
# Packets that leave within 5 ms are one burst (draft-ietf-rmcat-gcc-02 §5.2): a frame is sent in
# one breath, and its inner spacing tells the line's speed, not its queue.
BURST_S = 0.005


class PacketState(IntEnum):
    """What is known of a sent packet."""

    UNKNOWN = 0  # nothing was reported yet
    LOST = 1  # reported as not arrived
    ARRIVED = 2
    ASSUMED = 3  # the feedback on it was lost itself; taken as arrived like the others
    REPEATED = 4  # asked for and sent again under its number: was lost, whatever arrives now
    COUNTED = 5  # the same, and reported on


# Plain integers: reading an enum's member costs as much as the rest of a packet.
UNKNOWN, LOST, ARRIVED, ASSUMED, REPEATED, COUNTED = (int(state) for state in PacketState)
TOLD, SILENT = (ARRIVED, COUNTED), (UNKNOWN, REPEATED)


@dataclass(slots=True)
class Burst:
    """Packets sent in one breath that arrived: our clock for sending, the peer's for arrival.

    `size_bytes` is of all, `fresh_bytes` of those not yet counted by assumption.
    """

    first_sent_s: float
    last_sent_s: float
    arrived_s: float
    size_bytes: int
    fresh_bytes: int


@dataclass(slots=True)
class LossReport:
    """So many packets were reported on, so many of them as lost.

    `size_bytes` is of all of them, `lost_bytes` of the lost, sent between `first_sent_s` and
    `last_sent_s`; 0 when unknown.
    """

    expected: int = 0
    lost: int = 0
    size_bytes: int = 0
    lost_bytes: int = 0
    first_sent_s: float = 0.0
    last_sent_s: float = 0.0

    def add(self, sent_s: float, size_bytes: int, *, lost: bool) -> None:
        """One more packet is reported on."""
        self.expected += 1
        self.size_bytes += size_bytes
        if lost:
            self.lost += 1
            self.lost_bytes += size_bytes
        self.first_sent_s = min(self.first_sent_s, sent_s)
        self.last_sent_s = max(self.last_sent_s, sent_s)

    def forgive(self, size_bytes: int) -> None:
        """A packet reported as lost before was only late."""
        self.lost -= 1
        self.lost_bytes -= size_bytes


class SentPackets:
    """The ring. Sequence numbers are unwrapped; slots are found by their low bits."""

    def __init__(self, length: int = LENGTH) -> None:
        if length & (length - 1):
            raise ValueError("the length is a power of two")
        self._mask = length - 1
        self._sequences = array("q", [-1]) * length
        self._sent_s = array("d", [0.0]) * length
        self._sizes = array("l", [0]) * length
        self._states = bytearray(length)
        self._newest: int | None = None

    def add(self, log: Iterable[tuple[int, int, int]]) -> list[tuple[float, int]]:
        """Packets left: (16-bit sequence, sent in ns, bytes). Their bursts as (sent, bytes).

        A number that comes again is of a packet that was asked for and sent again as it was (sound
        without RTX): its loss stays a loss, and its late arrival says nothing of the line.
        """
        bursts: list[tuple[float, int]] = []
        burst_s, burst_bytes = float("-inf"), 0
        for sequence, sent_ns, size_bytes in log:
            newest = self._newest
            if newest is not None and sequence == (newest + 1) & 0xFFFF:
                unwrapped = self._newest = newest + 1  # as nearly always
            else:
                unwrapped = self.unwrap(sequence & 0xFFFF)
                self._newest = unwrapped if newest is None else max(newest, unwrapped)
            slot = unwrapped & self._mask
            sent_s = sent_ns * 1e-9
            if self._sequences[slot] == unwrapped:
                self._repeat(slot)
            else:
                self._sequences[slot] = unwrapped
                self._sent_s[slot] = sent_s
                self._sizes[slot] = size_bytes
                self._states[slot] = UNKNOWN
            if sent_s - burst_s > BURST_S:
                if burst_bytes:
                    bursts.append((burst_s, burst_bytes))
                burst_s, burst_bytes = sent_s, 0
            burst_bytes += size_bytes
        if burst_bytes:
            bursts.append((burst_s, burst_bytes))
        return bursts

    def _repeat(self, slot: int) -> None:
        if self._states[slot] == LOST:
            self._states[slot] = COUNTED
        elif self._states[slot] == UNKNOWN:
            self._states[slot] = REPEATED

    def unwrap(self, sequence: int) -> int:
        """The number a reported 16-bit sequence stands for, as seen from the newest packet."""
        if self._newest is None:
            return sequence
        return self._newest + sequence_distance(sequence, self._newest)

    def state(self, sequence: int) -> PacketState | None:
        """What is known of this packet (unwrapped number); None when it is not in the ring."""
        slot = sequence & self._mask
        return PacketState(self._states[slot]) if self._sequences[slot] == sequence else None

    def assume(self, first: int, end: int) -> int:
        """Mark what is unknown in [first, end) as assumed to have arrived; its bytes."""
        size_bytes = 0
        for sequence in range(max(first, end - len(self._states)), end):
            slot = sequence & self._mask
            if self._sequences[slot] == sequence and self._states[slot] == UNKNOWN:
                self._states[slot] = ASSUMED
                size_bytes += self._sizes[slot]
        return size_bytes

    def read(
        self,
        base: int,
        ticks: int,
        deltas: Sequence[int | None],
        *,
        dead_until_s: float = float("-inf"),
        train: list[tuple[float, float, int]] | None = None,
    ) -> tuple[list[Burst], LossReport]:
        """Take in one feedback message: the bursts that arrived, and the loss.

        `base` is unwrapped, `ticks` the reference time in 250 µs. Losses of what was sent up to
        `dead_until_s` do not count. `train` collects (sent, arrived, bytes) of every packet.
        """
        sequences, states, mask = self._sequences, self._states, self._mask
        all_sent_s, sizes = self._sent_s, self._sizes
        bursts: list[Burst] = []
        burst = Burst(float("inf"), 0.0, 0.0, 0, 0)  # no packet was sent so late: the first begins
        report = LossReport(first_sent_s=float("inf"), last_sent_s=float("-inf"))
        arrived, arrived_bytes, first_s, last_s = 0, 0, float("inf"), float("-inf")
        for sequence, delta in enumerate(deltas, base):
            if delta is not None:
                ticks += delta
            slot = sequence & mask
            state = states[slot]
            if sequences[slot] != sequence or state in TOLD:
                continue  # never sent, or told before
            sent_s, size_bytes = all_sent_s[slot], sizes[slot]
            if delta is None or state == REPEATED:
                if self._miss(slot) and sent_s > dead_until_s:
                    report.add(sent_s, size_bytes, lost=True)
                continue
            states[slot] = ARRIVED
            if state == LOST:
                if sent_s > dead_until_s:
                    report.forgive(size_bytes)
            elif sent_s > dead_until_s:
                first_s = first_s if arrived else sent_s  # they come in sending order
                last_s = sent_s
                arrived += 1
                arrived_bytes += size_bytes
            arrived_s = ticks * TICK_S
            if train is not None:
                train.append((sent_s, arrived_s, size_bytes))
            if not 0 <= sent_s - burst.first_sent_s <= BURST_S:
                burst = Burst(sent_s, sent_s, arrived_s, 0, 0)
                bursts.append(burst)
            burst.last_sent_s = sent_s
            burst.arrived_s = max(burst.arrived_s, arrived_s)
            burst.size_bytes += size_bytes
            if state != ASSUMED:
                burst.fresh_bytes += size_bytes
        report.expected += arrived
        report.size_bytes += arrived_bytes
        report.first_sent_s = min(report.first_sent_s, first_s)
        report.last_sent_s = max(report.last_sent_s, last_s)
        return bursts, report

    def _miss(self, slot: int) -> bool:
        """A packet is reported as not arrived, or as what counts for that; whether it is news."""
        if self._states[slot] not in SILENT:
            return False
        self._states[slot] = LOST if self._states[slot] == UNKNOWN else COUNTED
        return True
