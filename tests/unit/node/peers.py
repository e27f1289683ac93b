"""Real WebRTC peers for tests: aiortc connections that publish to and subscribe from a node."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import VideoFrame

from mixer.model import (
    LinkState,
    MediaEvent,
    NodeLimits,
    NodeSettings,
    ProducerInfo,
    ProducerLive,
    SourceOffer,
    TransportChanged,
    Want,
)
from mixer.node import MediaNode

WAIT_S = 15.0
LESSON = "lesson-1"

Reroute = Callable[[str], str]


class CountingPicture(MediaStreamTrack):
    """A small picture whose brightness changes with every frame."""

    kind = "video"

    def __init__(self, brightness: int = 128, size: tuple[int, int] = (320, 180)) -> None:
        super().__init__()
        self._brightness, self._size, self._number = brightness, size, 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 20)
        self._number += 1
        width, height = self._size
        level = (self._brightness + self._number % 20) % 256
        plane = np.full((height * 3 // 2, width), 128, np.uint8)
        plane[:height] = level
        frame = VideoFrame.from_ndarray(plane, format="yuv420p")
        frame.pts, frame.time_base = self._number * 4500, fractions.Fraction(1, 90_000)
        return frame


@dataclass(slots=True)
class Events:
    """A lesson's listener that can be waited on."""

    seen: list[MediaEvent] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: MediaEvent) -> None:
        self.seen.append(event)
        self._changed.set()

    async def wait_for(self, matches: Callable[[MediaEvent], bool]) -> MediaEvent:
        """The first event that matches, past or to come."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for event in self.seen:
                    if matches(event):
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def link(self, device_id: str, state: LinkState) -> None:
        """Until a device's transport has entered this state."""
        await self.wait_for(
            lambda e: (
                isinstance(e, TransportChanged) and (e.device_id, e.state) == (device_id, state)
            )
        )

    async def live(self, producer_id: str) -> None:
        """Until a producer's media has arrived."""
        await self.wait_for(lambda e: isinstance(e, ProducerLive) and e.producer_id == producer_id)


@contextlib.asynccontextmanager
async def running_node(
    *, host: str = "127.0.0.1", limits: NodeLimits | None = None
) -> AsyncIterator[tuple[MediaNode, Events]]:
    """A started node with one open lesson."""
    node = MediaNode(NodeSettings(host=host, port=0, limits=limits or NodeLimits()))
    events = Events()
    await node.start()
    try:
        await node.open_lesson(LESSON, events)
        yield node, events
    finally:
        await node.close()


def prefer(peer: RTCPeerConnection, name: str) -> None:
    """Offer this video codec only."""
    for transceiver in peer.getTransceivers():
        if transceiver.kind == "video":
            codecs = RTCRtpSender.getCapabilities("video").codecs
            chosen: list[RTCRtpCodecCapability] = [
                codec for codec in codecs if codec.mimeType in (f"video/{name}", "video/rtx")
            ]
            transceiver.setCodecPreferences(chosen)


def new_peer() -> RTCPeerConnection:
    """A connection that asks no STUN server, and bundles as browsers are told to.

    (With its default policy aiortc stops its own transport at the second line of a kind.)
    """
    return RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )


async def close_peer(peer: RTCPeerConnection) -> None:
    """Close, and end what aiortc leaves waiting when it is closed before it was connected."""
    await peer.close()
    for task in asyncio.all_tasks():
        if "RTCPeerConnection.__connect" in getattr(task.get_coro(), "__qualname__", ""):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Publisher:
    """Sends a picture and silence as one device."""

    def __init__(self, node: MediaNode, device_id: str = "sender", *, codec: str = "VP8") -> None:
        self.node, self.device_id, self.codec = node, device_id, codec
        self.peer = new_peer()
        self.producers: dict[str, ProducerInfo] = {}

    async def publish(
        self,
        *,
        reroute: Reroute = lambda sdp: sdp,
        edit_offer: Reroute = lambda sdp: sdp,
        tracks: Iterable[MediaStreamTrack] | None = None,
    ) -> dict[str, ProducerInfo]:
        """Offer, apply the answer; producers by label."""
        if not self.peer.getTransceivers():
            for track in tracks or (AudioStreamTrack(), CountingPicture()):
                self.peer.addTrack(track)
            prefer(self.peer, self.codec)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        labels = {"audio": "room", "video": "teacher"}
        sources = {
            t.mid: SourceOffer(labels[t.kind], 1_500_000 if t.kind == "video" else 48_000)
            for t in self.peer.getTransceivers()
            if t.mid is not None
        }
        offer = edit_offer(self.peer.localDescription.sdp)
        answer = await self.node.publish(LESSON, self.device_id, offer, sources)
        await self.peer.setRemoteDescription(RTCSessionDescription(reroute(answer.sdp), "answer"))
        self.producers = {info.label: info for info in answer.producers}
        return self.producers

    async def close(self) -> None:
        await close_peer(self.peer)


class Subscriber:
    """Receives what it wants; `frames` counts by mid what was decoded."""

    def __init__(self, node: MediaNode, device_id: str = "receiver") -> None:
        self.node, self.device_id = node, device_id
        self.peer = new_peer()
        self.frames: dict[str, list[object]] = {}
        self.mids: dict[str, str] = {}  # producer id → mid
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._arrived = asyncio.Event()

    async def subscribe(
        self,
        wants: Sequence[Want],
        *,
        restart: bool = False,
        reroute: Reroute = lambda sdp: sdp,
        edit_answer: Reroute = lambda sdp: sdp,
    ) -> bool:
        """Want these; False when no new offer was needed."""
        offer = await self.node.subscribe(LESSON, self.device_id, wants, restart=restart)
        if offer is None:
            return False
        self.mids = {consumer.producer_id: consumer.mid for consumer in offer.consumers}
        await self.peer.setRemoteDescription(RTCSessionDescription(reroute(offer.sdp), "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        answer = edit_answer(self.peer.localDescription.sdp)
        await self.node.subscribe_answer(LESSON, self.device_id, answer)
        for transceiver in self.peer.getTransceivers():
            mid = transceiver.mid
            if mid is not None and mid not in self._readers:
                self._readers[mid] = asyncio.create_task(
                    self._read(mid, transceiver.receiver.track)
                )
        return True

    async def _read(self, mid: str, track: MediaStreamTrack) -> None:
        frames = self.frames.setdefault(mid, [])
        with contextlib.suppress(MediaStreamError):
            while True:
                frames.append(await track.recv())
                del frames[:-50]
                self._arrived.set()

    async def received(self, producer_id: str, count: int = 5) -> list[Any]:
        """Until so many more frames of a producer were decoded."""
        mid = self.mids[producer_id]
        self.frames.setdefault(mid, []).clear()
        async with asyncio.timeout(WAIT_S):
            while len(self.frames[mid]) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return list(self.frames[mid])

    async def close(self) -> None:
        for reader in self._readers.values():
            reader.cancel()
        await asyncio.gather(*self._readers.values(), return_exceptions=True)
        await close_peer(self.peer)


def everything(producers: dict[str, ProducerInfo]) -> list[Want]:
    """Wants for all of them, pictures at a small tile's size."""
    return [Want(info.producer_id, 320, 180) for info in producers.values()]


__all__ = [
    "LESSON",
    "CountingPicture",
    "Events",
    "Publisher",
    "Subscriber",
    "everything",
    "running_node",
]
