"""Tongke under test: a MediaNode alone in its own process.

The whole server adds HTTP, WebSockets and a database, which forward nothing; other SFUs are
measured with their signaling idle too.
"""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.servers.child import ChildServer


class Tongke(ChildServer):
    """See `benchmarks.servers.Server`."""

    name = "tongke"

    def __init__(self, host: str = "127.0.0.1", *, pumps: int = 1) -> None:
        super().__init__("benchmarks.servers.tongke_node", host, str(pumps))
        self._pumps = pumps

    @property
    def description(self) -> str:
        """Name, version and kind."""
        pumps = "one pump" if self._pumps == 1 else f"{self._pumps} pumps"
        return f"Tongke {version('tongke')}, one MediaNode with {pumps}"
