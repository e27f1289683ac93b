"""What the pump knows of one transport's line, in totals."""

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
