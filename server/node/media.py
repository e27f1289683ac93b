"""The media core as the server runs it: its settings and limits, its faults in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from hardware_profiles import ServerProfile
from mixer.errors import NodeUnavailable
from mixer.model import LineProbe, NodeSettings
from mixer.node import LessonStats, NodeStats
from server.children.tapping import TappedMedia
from server.config import Settings
from server.errors import StartRefused, start_refused
from server.lessons.profiles import node_limits
from server.programs.feeding import FedMedia
from signaling.ports import Media

LAST_PORT = 65_535


class MediaCore(Media, TappedMedia, FedMedia, Protocol):
    """What signaling, recording and programs use of the node, and what the server asks of it."""

    @property
    def ready(self) -> bool:
        """Whether the node takes lessons."""
        ...

    @property
    def lesson_ids(self) -> tuple[str, ...]:
        """The lessons whose media is open."""
        ...

    def lesson_stats(self, lesson_id: str) -> LessonStats:
        """Every connection, producer and consumer of an open lesson; raises `LessonUnknown`."""
        ...

    def line_probe(self) -> LineProbe:
        """By which a waiting room learns whether media would come through."""
        ...

    def node_stats(self) -> NodeStats:
        """The node's counters."""
        ...


def node_settings(settings: Settings, hardware: ServerProfile) -> NodeSettings:
    """Where the node listens, what it tells its peers, what it admits.

    Raises `StartRefused` where a pump's port would be none.
    """
    pumps = settings.media_pumps or hardware.media.pumps
    last = max(settings.media_port, settings.media_tcp_port) + pumps - 1
    if last > LAST_PORT:
        raise StartRefused(
            f"The media takes {pumps} ports, one for each pump, and the last would be {last}: "
            f"ports end at {LAST_PORT}. Choose a smaller media_port (and media_tcp_port), or "
            "fewer media_pumps.",
            f"音视频需要 {pumps} 个端口（每个 pump 一个），最后一个是 {last}，而端口最大为 "
            f"{LAST_PORT}。请把 media_port（和 media_tcp_port）改小，或减少 media_pumps。",
        )
    return NodeSettings(
        host=settings.media_host,
        port=settings.media_port,
        tcp_port=settings.media_tcp_port if settings.media_tcp else None,
        advertised=settings.advertised,
        pumps=pumps,
        limits=node_limits(hardware),
    )


@asynccontextmanager
async def open_media_node(settings: Settings, hardware: ServerProfile) -> AsyncIterator[MediaCore]:
    """The media node for the time of the block. Raises `StartRefused` when it cannot listen."""
    from mixer.node import MediaNode  # noqa: PLC0415 - DTLS and codecs, not needed for --help

    node = MediaNode(node_settings(settings, hardware))
    try:
        await node.start()
    except NodeUnavailable as error:
        raise start_refused(
            f"The media core cannot start: {error} The settings are media_port (--media-port or "
            "TONGKE_MEDIA_PORT), media_tcp_port, media_host (an address of this machine; leave it "
            "out for all) and advertised.",
            f"媒体部分无法启动：{error} 有关的设置是 media_port（--media-port 或 "
            "TONGKE_MEDIA_PORT）、media_tcp_port、media_host（本机的地址，不填为全部）"
            "和 advertised。",
            error.__cause__,
        ) from None
    try:
        yield node
    finally:
        await node.close()
