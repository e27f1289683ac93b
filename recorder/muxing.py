"""Encoded packets on their way into a file: several flows, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from recorder.gapless_sound import RATE

PICTURE_RATE = 90_000
PICTURE_BASE = Fraction(1, PICTURE_RATE)
SOUND_BASE = Fraction(1, RATE)

# (time, which of two at one time comes first, write it)
Flow = Iterator[tuple[float, int, Callable[[], None]]]


def write_in_order(flows: Sequence[Flow]) -> None:
    """Write what all flows hold; each is in the order of its times."""
    for _, _, write in heapq.merge(*flows, key=lambda item: item[:2]):
        write()


def new_packet(data: bytes, stream: Stream, pts: int, base: Fraction) -> Packet[Stream]:
    """A packet of this stream, shown and decoded at `pts`."""
    packet = Packet(data)
    packet.stream = stream
    packet.time_base = base
    packet.pts = packet.dts = pts
    return packet


def muxing(out: OutputContainer, packet: Packet[Stream]) -> Callable[[], None]:
    """Writes the packet, later."""
    return lambda: out.mux_one(packet)
