"""The last group of pictures: from the newest keyframe to now.

A camera answers no request for a keyframe, so whoever comes in the middle of its group would wait
for the next one: at four seconds a group, up to four seconds. He gets the group instead, at once.
"""

from __future__ import annotations

from typing import NamedTuple

# Four seconds at 8 Mb/s. A longer group is given up: sending it would take longer than waiting.
MOST_BYTES = 4 << 20
MOST_PACKETS = 6_000


class Passed(NamedTuple):
    """One packet to send on. A tuple: hundreds a second are made."""

    payload: bytes
    timestamp: int
    marker: bool
    lost_before: int = 0  # so many packets never came: their numbers stay free
    starts_group: bool = False


class LastGroup:
    """`add` every packet; `packets` are those of the group, () when there is none to be had."""

    def __init__(self) -> None:
        self._packets: list[Passed] = []
        self._bytes = 0
        self._whole = False

    @property
    def packets(self) -> tuple[Passed, ...]:
        return tuple(self._packets)

    @property
    def size(self) -> int:
        """Bytes of the payloads."""
        return self._bytes

    def add(self, packet: Passed) -> None:
        if packet.starts_group:
            self._packets, self._bytes, self._whole = [], 0, True
        if not self._whole:
            return
        self._packets.append(packet)
        self._bytes += len(packet.payload)
        hole = packet.lost_before and not packet.starts_group
        if hole or self._bytes > MOST_BYTES or len(self._packets) > MOST_PACKETS:
            # With a hole in it, it would be grey from there on: better none.
            self.forget()

    def forget(self) -> None:
        """What follows does not belong to it."""
        self._packets, self._bytes, self._whole = [], 0, False
