"""A pump that only remembers what it was told, for the node's decisions in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from mixer.forward.echo_path import FRAME_S, FRAMES
from mixer.node.port import Port
from mixer.pump import (
    DATAGRAM,
    FIRST_PACKET,
    KEYFRAME_NEEDED,
    LAYER_SWITCHED,
    LINE,
    NEW_SSRC,
    RTCP,
    LayerTotals,
    TransportTotals,
)

__all__ = [
    "DATAGRAM",
    "FIRST_PACKET",
    "KEYFRAME_NEEDED",
    "LAYER_SWITCHED",
    "LINE",
    "NEW_SSRC",
    "RTCP",
    "Clock",
    "FakePump",
]


class Clock:
    """Time that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakePump:
    """`mixer.pump.Pump` in its calls; `calls` are (name, positional…, keywords)."""

    def __init__(self) -> None:
        self.port = self.tcp_port = 7881
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self.calls: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []
        self.lines: dict[int, tuple[Any, ...]] = defaultdict(tuple)  # readings
        self.stats: dict[int, list[dict[str, int]]] = defaultdict(list)
        self.formats: dict[tuple[int, int], bytes] = defaultdict(bytes)
        self.sent: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.levels: list[tuple[int, int]] = []
        # How loud a producer was, and when: the clock is the loop's.
        self.level_at: Callable[[int, float], int] = lambda producer_id, at: 127
        self._ids = itertools.count(1)

    def close(self) -> None:
        os.close(self.event_fd)

    def told(self, name: str) -> list[tuple[Any, ...]]:
        """The calls of this name, without it."""
        return [call[1:] for call in self.calls if call[0] == name]

    def drain(self, limit: int = 256) -> list[tuple[Any, ...]]:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.event_fd)
        found, self.events = self.events[:limit], self.events[limit:]
        return found

    def happen(self, port: Port, *events: tuple[Any, ...]) -> None:
        """Let the port hear these events."""
        self.events += events
        port.drain()

    def pump_stats(self) -> dict[str, int]:
        return defaultdict(int)

    pump_gauges = pump_stats

    def pump_measures(self) -> dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]:
        return {}

    def transport_stats(self, transport_id: int) -> dict[str, int]:
        return defaultdict(int)

    def producer_stats(self, producer_id: int) -> list[dict[str, int]]:
        return self.stats[producer_id]

    def audio_levels(self) -> list[tuple[int, int]]:
        return self.levels

    def level_history(self, producer_ids: list[int]) -> tuple[int, list[bytes]]:
        self.calls.append(("level_history", tuple(producer_ids)))
        end = int(asyncio.get_running_loop().time() / FRAME_S)
        frames = range(end - FRAMES, end)
        middle = 0.5  # of a frame
        return end, [
            bytes(self.level_at(one, (frame + middle) * FRAME_S) for frame in frames)
            for one in producer_ids
        ]

    def layer_totals(self, producer_id: int) -> list[LayerTotals]:
        return [
            LayerTotals(
                row["layer"],
                row["bytes"],
                row["keyframes"],
                row.get("last_packet_ns", 0),
                row.get("format_changes", 0),
                row.get("steps_back", 0),
                row.pop("longest_pause_ns", 0),
                row.get("past_bytes", 0),
            )
            for row in self.stats[producer_id]
        ]

    def picture_format(self, producer_id: int, layer: int) -> bytes:
        return self.formats[producer_id, layer]

    def consumer_stats(self, consumer_id: int) -> dict[str, int]:
        return self.sent[consumer_id]

    def consumer_bytes(self, consumer_ids: list[int]) -> list[int]:
        return [0 for _ in consumer_ids]

    def losses(self, transport_id: int) -> list[tuple[int, int, int, int]]:
        return []

    def totals(self, transport_ids: list[int]) -> list[TransportTotals]:
        return [TransportTotals(0, 0, 0, 0, 0, 0) for _ in transport_ids]

    def probe(self, transport_id: int, **wanted: int) -> bool:
        self.calls.append(("probe", transport_id, wanted))
        return True

    def line(self, transport_id: int) -> tuple[Any, ...]:
        self.calls.append(("line", transport_id))
        return self.lines[transport_id]

    def send_datagram(self, address: tuple[str, int], data: bytes, local: str = "") -> bool:
        self.calls.append(("send_datagram", address, data))
        return True

    def send_rtcp(self, transport_id: int, data: bytes) -> bool:
        self.calls.append(("send_rtcp", transport_id, data))
        return True

    def __getattr__(self, name: str) -> Any:
        def remember(*args: object, **keywords: object) -> int:
            self.calls.append((name, *args, keywords) if keywords else (name, *args))
            return next(self._ids) if name.startswith("add_") else 0

        return remember
