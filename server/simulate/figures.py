"""What one seat's media came to: packets, bits, loss, delay, pictures.

Owns adding it up over a seat's connections, those that were lost too. The numbers are aiortc's own
counts and what the server reports back of what it got (RFC 3550 §6.4.1), so a loss on the way up is
the server's word.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from server.simulate.sending import SimulatedSending
from signaling.client.peer import Peer


@dataclass(slots=True)
class Figures:
    """Packets are RTP packets. `delay_ms` is the way to the server and back; None: not measured.

    `sent_lost` is what the server missed of `sent_packets`; repairs that came make it smaller.
    """

    seconds: float = 0.0
    sent_packets: int = 0
    sent_bytes: int = 0
    sent_lost: int = 0
    sent_pictures: int = 0
    received_packets: int = 0
    received_bytes: int = 0
    received_lost: int = 0
    received_pictures: int = 0
    delay_ms: float | None = None

    def plus(self, other: Figures) -> Figures:
        """Both together; the delay is the later one's."""
        ours, theirs = asdict(self), asdict(other)
        delay_ms = self.delay_ms if other.delay_ms is None else other.delay_ms
        total = {name: ours[name] + theirs[name] for name in ours if name != "delay_ms"}
        return Figures(**total, delay_ms=delay_ms)

    @property
    def sent_bps(self) -> float:
        return 8 * self.sent_bytes / self.seconds if self.seconds else 0.0

    @property
    def received_bps(self) -> float:
        return 8 * self.received_bytes / self.seconds if self.seconds else 0.0

    @property
    def sent_loss(self) -> float:
        """The share that did not arrive, 0…1."""
        return self.sent_lost / self.sent_packets if self.sent_packets else 0.0

    @property
    def received_loss(self) -> float:
        expected = self.received_packets + self.received_lost
        return self.received_lost / expected if expected else 0.0

    def as_json(self) -> dict[str, object]:
        """Counts as they are, rates in bits a second, losses as shares."""
        return {
            **asdict(self),
            "seconds": round(self.seconds, 1),
            "delay_ms": None if self.delay_ms is None else round(self.delay_ms, 1),
            "sent_bps": round(self.sent_bps),
            "sent_loss": round(self.sent_loss, 5),
            "received_bps": round(self.received_bps),
            "received_loss": round(self.received_loss, 5),
        }


class SeatFigures:
    """Told of each connection that the seat opens, asked with `read` now and then."""

    def __init__(self) -> None:
        self.total = Figures()
        self.has_something_to_send = False  # its profile has something; set before it is there
        self.opened_any = False
        self._ended = Figures()
        self._open: list[Peer] = []

    def opened(self, connection: Peer) -> None:
        """A connection for sending or for receiving."""
        sends = isinstance(connection, SimulatedSending)
        self.has_something_to_send |= sends
        self.opened_any |= sends
        self._open.append(connection)

    async def read(self, *, seconds: float, received_pictures: int) -> Figures:
        """All so far. What a closed connection carried is kept, the connection is not."""
        still: list[Peer] = []
        total = Figures()
        for connection in self._open:
            now = await _carried(connection)
            if connection.connection.connectionState == "closed":
                self._ended = self._ended.plus(now)
            else:
                still.append(connection)
                total = total.plus(now)
        self._open = still
        self.total = self._ended.plus(total)
        self.total.seconds, self.total.received_pictures = seconds, received_pictures
        return self.total


async def _carried(connection: Peer) -> Figures:
    found = Figures()
    for report in (await connection.connection.getStats()).values():
        _count(found, report)
    if isinstance(connection, SimulatedSending):
        found.sent_pictures = connection.pictures_sent
        found.received_bytes = 0  # the server's reports
    return found


def _count(found: Figures, report: Any) -> None:
    if report.type == "outbound-rtp":
        found.sent_packets += report.packetsSent
        found.sent_bytes += report.bytesSent
    elif report.type == "remote-inbound-rtp":
        found.sent_lost += max(0, report.packetsLost)
        if report.roundTripTime is not None:
            found.delay_ms = 1000 * report.roundTripTime
    elif report.type == "inbound-rtp":
        found.received_packets += report.packetsReceived
        found.received_lost += max(0, report.packetsLost)
    elif report.type == "transport":
        found.received_bytes += report.bytesReceived
