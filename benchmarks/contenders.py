"""Who is measured: every server by its name on the command line."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.servers import Server
from benchmarks.servers.aiortc_relay import AiortcRelay
from benchmarks.servers.floor import FloorServer
from benchmarks.servers.janus import Janus
from benchmarks.servers.tongke import Tongke
from server.node.hardware import choose_server_profile

LOOPBACK = "127.0.0.1"
ON_LOOPBACK = ("tongke", "floor")  # the others offer no such address

SERVERS: dict[str, Callable[[str], Server]] = {
    "tongke": Tongke,
    "floor": FloorServer,
    "janus": Janus,
    "janus-2-loops": lambda host: Janus(host, event_loops=2),
    "aiortc": AiortcRelay,
}


def _serving_as_shipped(host: str) -> Server:
    """Tongke with as many pumps as `tongke serve` runs on this machine (`servers/*.toml`)."""
    return Tongke(host, pumps=choose_server_profile("auto").media.pumps)


# For the machine's limit. A single lesson lives on one pump, so the cases need no more than that.
AT_THE_LIMIT: dict[str, Callable[[str], Server]] = {**SERVERS, "tongke": _serving_as_shipped}
