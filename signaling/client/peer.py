"""What the two aiortc connections of a device have in common: opening, failing, closing.

No ICE servers are named: without that aiortc asks a public STUN server.
"""

from __future__ import annotations

import asyncio

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection

from signaling.client.errors import ServerLost

# Whatever is broken, media connects within this or is tried anew.
_CONNECT_TIMEOUT_S = 15.0
# aioice's loop of checks looks up every 20 ms and only then sees that it was closed.
_LAST_LOOK_S = 0.05


class Peer:
    """A connection that says when it has failed."""

    def __init__(self) -> None:
        # With its default policy aiortc stops its own transport at the second line of a kind.
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.failed = asyncio.Event()
        self._settled = asyncio.Event()
        self.connection.on("connectionstatechange", self._state_changed)

    def _state_changed(self) -> None:
        state = self.connection.connectionState
        if state in ("failed", "closed"):
            self.failed.set()
        if state not in ("new", "connecting"):
            self._settled.set()

    async def until_connected(self) -> None:
        """Raises `ServerLost` when it does not connect."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await self._settled.wait()
        except TimeoutError:
            raise ServerLost("media does not connect", "音视频连不上") from None
        if self.failed.is_set():
            raise ServerLost("media does not connect", "音视频连不上")

    async def close(self) -> None:
        """Give the connection up; nothing of it runs on. Who is cancelled meanwhile is so after it.

        In a task of its own: aioice, cancelled while it closes, takes the cancellation for the end
        of its own check and goes on, and our device would never leave.
        """
        closing = asyncio.create_task(self._close(), name="peer-close")
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise

    async def _close(self) -> None:
        await self.connection.close()
        if not self._settled.is_set():
            await asyncio.sleep(_LAST_LOOK_S)
