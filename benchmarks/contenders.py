"""Who is measured: every server by its name on the command line."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchmarks.servers import Server
from benchmarks.servers.aiortc_relay import AiortcRelay
from benchmarks.servers.floor import FloorServer
from benchmarks.servers.janus import Janus
from benchmarks.servers.tongke import Tongke

LOOPBACK = "127.0.0.1"
ON_LOOPBACK = ("tongke", "floor")  # the others offer no such address

SERVERS: dict[str, Callable[[str], Server]] = {
    "tongke": Tongke,
    "floor": FloorServer,
    "janus": Janus,
    "janus-2-loops": lambda host: Janus(host, event_loops=2),
    "aiortc": AiortcRelay,
}
# For the machine's limit every server may use the machine: a node with a pump for every two cores.
PUMPS = max(1, (os.cpu_count() or 2) // 2)
AT_THE_LIMIT: dict[str, Callable[[str], Server]] = {
    **SERVERS,
    "tongke": lambda host: Tongke(host, pumps=PUMPS),
}
