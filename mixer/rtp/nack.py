"""Lost packets: as a generic NACK says them, and which to ask for again.

RFC 4585 §6.2.1: a NACK entry is a packet id (PID) and a bit mask of the 16 that follow (BLP).
`MissingList` is the receiver's side in plain Python, bounded in length and in repeats; the pump
has its own of the same rules for media. Framing of the RTCP packet is `rtcp`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mixer.rtp.sequence import Unwrapper


def pack_sequences(sequences: Iterable[int]) -> list[tuple[int, int]]:
    """(PID, BLP) entries that name these 16-bit sequence numbers, kept in the order given.

    A number joins the entry before it when it lies 1 … 16 after that entry's PID; give them in
    sending order for the shortest result.
    """
    entries: list[tuple[int, int]] = []
    for sequence in sequences:
        if not 0 <= sequence <= 0xFFFF:
            raise ValueError(f"sequence number {sequence} has more than 16 bits")
        if entries:
            pid, blp = entries[-1]
            ahead = (sequence - pid) & 0xFFFF
            if ahead == 0:
                continue
            if ahead <= 16:
                entries[-1] = (pid, blp | 1 << (ahead - 1))
                continue
        entries.append((sequence, 0))
    return entries


def unpack_sequences(entries: Iterable[tuple[int, int]]) -> list[int]:
    """The sequence numbers that (PID, BLP) entries name, each once, in order."""
    sequences: dict[int, None] = {}
    for pid, blp in entries:
        sequences[pid] = None
        for bit in range(16):
            if blp >> bit & 1:
                sequences[(pid + bit + 1) & 0xFFFF] = None
    return list(sequences)


@dataclass(slots=True)
class _Missing:
    asked: int
    next_ask_at: float


class MissingList:
    """Which packets of a stream have not come, and when to ask for them.

    `handle_packet` takes every arriving sequence number, `poll` gives what to put into a NACK
    now. A packet is asked for first after `reorder_s` (it may only be late), then every
    `repeat_s`, `max_asks` times; then it is given up. A jump of more than `max_missing` forgets
    all: a keyframe is the cure for such a hole, not a flood of NACKs.
    """

    def __init__(
        self,
        *,
        reorder_s: float = 0.02,
        repeat_s: float = 0.1,
        max_asks: int = 6,
        max_missing: int = 256,
    ) -> None:
        self._reorder_s = reorder_s
        self._repeat_s = repeat_s
        self._max_asks = max_asks
        self._max_missing = max_missing
        self._unwrapper = Unwrapper()
        self._missing: dict[int, _Missing] = {}
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._missing)

    def handle_packet(self, sequence: int, now: float) -> None:
        """A packet (or its retransmission) has arrived."""
        newest = self._unwrapper.newest
        unwrapped = self._unwrapper.unwrap(sequence)
        if newest is None or unwrapped <= newest:
            self._missing.pop(unwrapped, None)
            return
        if unwrapped - newest > self._max_missing:
            self._forget_all()
            return
        for hole in range(newest + 1, unwrapped):
            self._missing[hole] = _Missing(0, now + self._reorder_s)
        while len(self._missing) > self._max_missing:
            del self._missing[next(iter(self._missing))]
            self.given_up += 1

    def poll(self, now: float) -> list[int]:
        """The 16-bit sequence numbers to ask for now, oldest first."""
        ask = []
        for sequence, entry in list(self._missing.items()):
            if now < entry.next_ask_at:
                continue
            if entry.asked >= self._max_asks:
                del self._missing[sequence]
                self.given_up += 1
                continue
            entry.asked += 1
            entry.next_ask_at = now + self._repeat_s
            ask.append(sequence & 0xFFFF)
        return ask

    def next_time(self) -> float | None:
        """When `poll` has something to do next, None if nothing is missing."""
        return min((entry.next_ask_at for entry in self._missing.values()), default=None)

    def _forget_all(self) -> None:
        self.given_up += len(self._missing)
        self._missing.clear()
