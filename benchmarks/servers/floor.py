"""The floor under test: forwarding without an SFU (`benchmarks.floor`)."""

from __future__ import annotations

from benchmarks.servers.child import ChildServer


class FloorServer(ChildServer):
    """See `benchmarks.servers.Server`."""

    name = "floor"

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__("benchmarks.floor.node", host)

    @property
    def description(self) -> str:
        """What it is."""
        return "The floor: receive, unprotect, protect per receiver, send; no SFU between"
