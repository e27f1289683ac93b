"""aiortc's process: `python -m benchmarks.servers.aiortc_node`; see `aiortc_relay.py`.

Written as aiortc's own examples are. Two things are the benchmark's: RTP timestamps begin at 0 in
place of a random number (SSRCs do not), so that what comes out is known to be what went in; and a
candidate that nobody answers stands in for those the load client does not send (aiortc gives up
without one).
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiortc import RTCPeerConnection, RTCSessionDescription, rtcrtpsender
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import MediaStreamTrack

from benchmarks.servers.serving import serve

# The discard port of a documentation address (RFC 863, RFC 5737).
NOBODY = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host"


class Relay:
    """See `benchmarks.servers.serving.Served`."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._connections: dict[str, RTCPeerConnection] = {}
        self._tracks: dict[str, list[MediaStreamTrack]] = {}

    async def start(self) -> None:
        """Timestamps as they came."""
        rtcrtpsender.random32 = lambda: 0  # type: ignore[attr-defined]  # a private seam

    async def close(self) -> None:
        """End every connection."""
        for connection in self._connections.values():
            await connection.close()

    async def handle(self, call: dict[str, Any]) -> object:
        """One line of the benchmark."""
        name = f"{call['session']}/{call.get('seat', '')}"
        match call["method"]:
            case "open":
                return None
            case "publish":
                return await self._publish(name, call["sdp"])
            case "subscribe":
                publishers = [f"{call['session']}/{seat}" for seat in call["publishers"]]
                return await self._subscribe(name, publishers)
            case "subscribe_answer":
                description = RTCSessionDescription(_with_candidate(call["sdp"]), "answer")
                await self._connections[f"{name}/down"].setRemoteDescription(description)
                return None
            case other:
                raise ValueError(f"unknown method {other!r}")

    async def _publish(self, name: str, offer: str) -> str:
        connection = self._connections[f"{name}/up"] = RTCPeerConnection()
        tracks = self._tracks.setdefault(name, [])
        connection.on("track", tracks.append)
        description = RTCSessionDescription(_with_candidate(offer), "offer")
        await connection.setRemoteDescription(description)
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)

    async def _subscribe(self, name: str, publishers: list[str]) -> str:
        connection = self._connections[f"{name}/down"] = RTCPeerConnection()
        for publisher in publishers:
            for track in self._tracks[publisher]:
                sender = connection.addTrack(self._relay.subscribe(track))
                sender._ssrc, sender._rtx_ssrc = random.getrandbits(32), random.getrandbits(32)
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)


def _with_candidate(description: str) -> str:
    """The candidate in every m-section, behind its connection line."""
    line = "c=IN IP4 0.0.0.0\r\n"
    return description.replace(line, f"{line}{NOBODY}\r\n")


if __name__ == "__main__":
    asyncio.run(serve(Relay()))
