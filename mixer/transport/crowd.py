"""How many sessions one source of the network may have at a port.

Owns: the count by source network (`mixer.sources`) and its bound. Leaves to `ice.py`: when
a session comes from where. A bound by source keeps one network (a school behind one address, or
somebody with many stolen tokens) from taking a node's every place.

This machine's own addresses have no bound: a TURN server beside us speaks for many rooms, and a
benchmark for many peers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mixer.sources import is_loopback, network_of


class Crowd:
    """Sessions by source. `host` is an IP address as text, None for no address."""

    def __init__(self, *, most: int, unbounded: Iterable[str] = ()) -> None:
        self._most = most
        self.unbound(unbounded)
        self._sessions: Counter[str] = Counter()

    def unbound(self, hosts: Iterable[str]) -> None:
        """These have no bound from now on, and no others."""
        self._unbounded = {network_of(host) for host in hosts}

    def admits(self, host: str, *, instead_of: str | None) -> bool:
        """Whether a session that was at `instead_of` may be at `host`."""
        if host == instead_of:
            return True
        source = network_of(host)
        if source in self._unbounded or self._sessions[source] < self._most:
            return True
        return (instead_of is not None and network_of(instead_of) == source) or is_loopback(host)

    def moved(self, before: str | None, after: str | None) -> None:
        """A session was at `before` and is at `after`."""
        if after is not None:
            self._sessions[network_of(after)] += 1
        if before is not None:
            source = network_of(before)
            self._sessions[source] -= 1
            if not self._sessions[source]:
                del self._sessions[source]

    def __len__(self) -> int:
        return len(self._sessions)
