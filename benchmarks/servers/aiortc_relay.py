"""The usual Python way under test: aiortc's peer connections joined by its `MediaRelay`."""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.servers.child import ChildServer


class AiortcRelay(ChildServer):
    """See `benchmarks.servers.Server`.

    It decodes what it receives and encodes it anew for every receiver, so it is sent real pictures
    (360p) and sounds, and measured by these: loss is of pictures, delay of a picture's last packet.
    """

    name = "aiortc"
    decodes = True

    def __init__(self, host: str) -> None:
        super().__init__("benchmarks.servers.aiortc_node")
        if host.startswith("127."):
            raise ValueError("aiortc offers no loopback address")

    @property
    def description(self) -> str:
        """Name and version."""
        return (
            f"aiortc {version('aiortc')} with MediaRelay: decodes, and encodes per receiver; 360p"
        )
