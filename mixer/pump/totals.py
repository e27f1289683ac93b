"""What the pump knows of one transport's line, and of one layer of a producer, in totals."""

from __future__ import annotations

from typing import NamedTuple


class TransportTotals(NamedTuple):
    """Totals since the transport was added.

    `packets_expected` and `packets_lost` are those of report blocks (RFC 3550 §6.4.1): the peer's
    on what it is sent, and ours on what it sends. `round_trip_ns` is smoothed, 0 while unknown;
    `last_received_ns` is the time of the last packet.
    """

    bytes_received: int
    bytes_sent: int
    packets_expected: int
    packets_lost: int
    last_received_ns: int
    round_trip_ns: int


class LayerTotals(NamedTuple):
    """One layer of a producer since its SSRC was named.

    `format_changes` grows whenever `Pump.picture_format` has something new to tell;
    `steps_back` counts pictures shown before the one that came before them. `last_packet_ns` is 0
    while none came; `longest_pause_ns` is between two packets since the last reading (each reading
    begins it anew), 0 of fewer. `past_bytes` of its `bytes` are groups of pictures that a sender
    has sent again for somebody new: no line needs room for them all the time.
    """

    layer: int
    bytes: int
    keyframes: int
    last_packet_ns: int
    format_changes: int = 0
    steps_back: int = 0
    longest_pause_ns: int = 0
    past_bytes: int = 0
