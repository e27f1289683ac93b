"""What signaling counts of itself, for the metrics: sockets, messages, refusals, closings.

Every key comes from a list of ours (message types, refusal codes, close codes), never from a
client's text, so nobody can make the counters grow.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from signaling.protocol.messages import CloseCode


@dataclass(slots=True)
class SignalingCounters:
    """Totals since the service began; `sockets_open` is what is open now."""

    sockets_open: int = 0
    sockets_opened: int = 0
    messages_received: Counter[str] = field(default_factory=Counter)  # by type
    messages_sent: int = 0
    messages_dropped: int = 0  # for clients that do not read
    refusals: Counter[str] = field(default_factory=Counter)  # by code
    closings: Counter[str] = field(default_factory=Counter)  # by the name of the close code

    def opened(self) -> None:
        """A socket was accepted."""
        self.sockets_open += 1
        self.sockets_opened += 1

    def closed(self, code: CloseCode | None) -> None:
        """A socket is gone; `code` is what we closed it with."""
        self.sockets_open -= 1
        self.closings["client-left" if code is None else code.name.lower().replace("_", "-")] += 1
