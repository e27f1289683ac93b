"""How many connections one address may hold open, so that one visitor cannot keep out the others.

Owns: the count of open connections by source (IPv4 address, IPv6 /64), WebSockets among them; and
asking the system for as many open files as it gives. Leaves closing to `patient_http.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import resource
from collections.abc import Iterable
from weakref import WeakSet

from mixer.sources import address_of, network_of

# A school of sixty devices behind one address: six connections for a page's files and a WebSocket
# each.
MOST_OF_ONE_SOURCE = 512
# Sources remembered before those without a connection are forgotten.
_SOURCES = 4096
# More than any lesson server needs; the system's own default of 1,024 is a crowd of visitors.
_OPEN_FILES = 65_536


class Visitors:
    """Open connections by source. `unbounded` networks (proxies, this machine) are not counted."""

    def __init__(self, *, most: int = MOST_OF_ONE_SOURCE, unbounded: Iterable[str] = ()) -> None:
        self._most = most
        self._unbounded = [ipaddress.ip_network(word, strict=False) for word in unbounded]
        self._open: dict[str, WeakSet[asyncio.BaseTransport]] = {}
        self.refused = 0

    def admits(self, host: str, transport: asyncio.BaseTransport) -> bool:
        """Whether `transport`, just opened from `host`, may stay. It counts until it is closed."""
        source = self._source(host)
        if source is None:
            return True
        present = self._open.setdefault(source, WeakSet())
        for each in [known for known in present if known.is_closing()]:
            present.discard(each)
        if len(present) >= self._most:
            self.refused += 1
            return False
        present.add(transport)
        if len(self._open) > _SOURCES:
            self._open = {name: known for name, known in self._open.items() if len(known)}
        return True

    def _source(self, host: str) -> str | None:
        address = address_of(host)
        if address is None or any(address in network for network in self._unbounded):
            return None
        return network_of(host)


def allow_many_open_files() -> int:
    """Raise this process's bound on open files as far as is allowed and useful; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
