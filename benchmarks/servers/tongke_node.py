"""The process under test: a MediaNode, driven by lines of JSON on its standard input.

`python -m benchmarks.servers.tongke_node HOST PUMPS`
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from benchmarks.servers.serving import serve
from mixer.errors import MediaError
from mixer.model import NodeLimits, NodeSettings, SourceOffer, Want
from mixer.node import MediaNode

# More than any case needs; a limit reached would measure the limit.
LIMITS = NodeLimits(lessons=1000, devices_per_lesson=256, pending_handshakes=1024)
PICTURE_BPS, SOUND_BPS = 4_000_000, 64_000


class Node:
    """The node and what it was told so far."""

    def __init__(self, host: str, pumps: int) -> None:
        self._node = MediaNode(
            NodeSettings(host=host, port=0, advertised=(host,), pumps=pumps, limits=LIMITS)
        )
        self._producers: dict[tuple[str, str], list[tuple[str, bool]]] = {}

    async def start(self) -> None:
        """Listen."""
        await self._node.start()

    async def close(self) -> None:
        """End everything."""
        await self._node.close()

    async def handle(self, call: dict[str, Any]) -> object:
        """One line of the benchmark."""
        session, seat = call["session"], call.get("seat", "")
        match call["method"]:
            case "open":
                await self._node.open_lesson(session, lambda event: None)
            case "publish":
                sources = {
                    mid: SourceOffer("room" if kind == "audio" else "teacher", bps)
                    for mid, kind, bps in (("0", "audio", SOUND_BPS), ("1", "video", PICTURE_BPS))
                }
                answer = await self._node.publish(session, f"{seat}-up", call["sdp"], sources)
                self._producers[session, seat] = [
                    (producer.producer_id, producer.kind == "video")
                    for producer in answer.producers
                ]
                return answer.sdp
            case "subscribe":
                wants = [
                    Want(producer_id, 1280 * is_video, 720 * is_video)
                    for publisher in call["publishers"]
                    for producer_id, is_video in self._producers[session, publisher]
                ]
                offer = await self._node.subscribe(session, f"{seat}-down", wants)
                return offer.sdp if offer is not None else ""
            case "subscribe_answer":
                await self._node.subscribe_answer(session, f"{seat}-down", call["sdp"])
            case other:
                raise ValueError(f"unknown method {other!r}")
        return None


if __name__ == "__main__":
    asyncio.run(serve(Node(sys.argv[1], int(sys.argv[2])), MediaError))
