"""What is measured, for administrators: a live lesson seat by seat, and the media node.

Everything here is a reading of counters at the moment of the request; pages that draw curves ask
every two seconds and subtract. The same numbers for Prometheus: `server.metrics`.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from mixer.errors import LessonUnknown
from mixer.node import ConnectionStats, ConsumerStats, LessonStats, PortStats, ProducerStats
from server.api.access import ServicesOf
from server.api.areas import area
from server.api.fields import Id, View
from server.errors import not_found
from signaling.lesson import SeatedDevice
from signaling.protocol.messages import (
    LessonSource,
    LinkQuality,
    PictureFault,
    Role,
    SeatState,
    Source,
)

router = area("measures", prefix="/api")

_PAGE_BYTES = resource.getpagesize()


class LineView(View):
    """One peer connection. `rtt_ms` and `available_bps` are null while unknown; `wanted_bps` is
    what all that is wanted would take, `used_bps` what was shared out (both for the way down)."""

    state: Literal["new", "connected", "lost", "closed"]
    failure: str
    address: str
    loss: float
    rtt_ms: float | None
    bitrate_bps: int
    available_bps: int | None
    wanted_bps: int
    used_bps: int
    packets_received: int
    bytes_received: int
    packets_sent: int
    bytes_sent: int
    packets_retransmitted: int
    nacks_received: int
    packets_refused: int


class LayerView(View):
    """One encoding as it arrives, 0 the smallest; `width` and `height` are its pictures', 0 before
    the first keyframe. Counters count since the stream began."""

    layer: int
    rid: str
    ssrc: int
    width: int
    height: int
    live: bool
    bitrate_bps: int
    packets: int
    bytes: int
    lost: int
    recovered: int
    duplicates: int
    late: int
    nacks_sent: int
    keyframe_requests: int
    keyframes: int
    pictures: int
    restarts: int
    jitter_ms: float


class SentView(View):
    """A stream a device sends. `paused`: not forwarded (muted, or without the floor). `faults`:
    what browsers cannot show of it as it is coded."""

    producer_id: str
    source: Source
    kind: Literal["audio", "video"]
    codec: str
    live: bool
    paused: bool
    faults: list[PictureFault]
    taps: int
    max_bitrate_bps: int
    layers: list[LayerView]


class ReceivedView(View):
    """A stream a device gets: `layer` of `layers` goes out now (−1: none), `target` is being
    switched to, `reason` says why nothing is sent; `width` and `height` are the tile's. What is the
    lesson's own is from no seat."""

    producer_id: str
    from_seat_id: str | None
    source: Source | LessonSource
    kind: Literal["audio", "video"]
    layers: int
    layer: int
    target: int
    reason: Literal["", "bandwidth", "producer-paused", "producer-silent", "not-wanted"]
    width: int
    height: int
    priority: int
    bitrate_bps: int
    packets: int
    bytes: int
    lost: int
    jitter_ms: float
    nacked: int
    retransmitted: int
    keyframe_requests: int
    switches: int


class DeviceStatsView(View):
    """A device: its line up and down, what it sends and what it gets."""

    device_id: str
    kind: str
    connected: bool
    up: LineView | None
    down: LineView | None
    sends: list[SentView]
    receives: list[ReceivedView]


class SeatStatsView(View):
    seat_id: str
    role: Role
    name: str
    school: str
    present: bool
    link: LinkQuality
    devices: list[DeviceStatsView]


class LessonStatsView(View):
    """`strangers` are devices that have left and whose connections are not closed yet."""

    lesson_id: str
    at: float
    seats: list[SeatStatsView]
    strangers: list[DeviceStatsView]


class MeasureView(View):
    """A histogram: `counts` has one more entry than `bounds` (upper, inclusive)."""

    bounds: list[int]
    counts: list[int]
    sum: int


class PortView(View):
    """One UDP port and its pump; `docs/metrics.md` tells what each counter is."""

    port: int
    lessons: int
    transports: int
    pending: int
    counters: dict[str, int]
    gauges: dict[str, int]
    measures: dict[str, MeasureView]


class NodeView(View):
    at: float
    lessons: int
    lessons_admitted: int
    cpu_s: float
    resident_bytes: int
    ticks: int
    tick_busy_s: float
    tick_late_s: float
    ports: list[PortView]


@router.get("/lessons/{lesson_id}/stats")
async def lesson_stats(lesson_id: Id, services: ServicesOf) -> LessonStatsView:
    """Every connection and stream of a lesson going on, seat by seat, as measured now."""
    try:
        stats = services.media.lesson_stats(lesson_id)
    except LessonUnknown:
        raise not_found("进行中的课程", "lesson going on") from None
    live = services.lessons.live
    return lesson_stats_view(
        stats,
        seats=live.seats().get(lesson_id, ()),
        present=live.devices(lesson_id),
        at=services.clock(),
    )


@router.get("/admin/media")
async def media_stats(services: ServicesOf) -> NodeView:
    """The media node: its ports, counters and histograms, and what the process takes."""
    stats = services.media.node_stats()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return NodeView(
        at=services.clock(),
        lessons=stats["lessons"],
        lessons_admitted=stats["lessons_admitted"],
        cpu_s=usage.ru_utime + usage.ru_stime,
        resident_bytes=_resident_bytes(),
        ticks=stats["ticks"],
        tick_busy_s=stats["tick_busy_s"],
        tick_late_s=stats["tick_late_s"],
        ports=[_port_view(port) for port in stats["ports"]],
    )


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def _port_view(port: PortStats) -> PortView:
    return PortView(
        port=port["port"],
        lessons=port["lessons"],
        transports=port["transports"],
        pending=port["pending"],
        counters=port["pump"],
        gauges=port["gauges"],
        measures={
            name: MeasureView(bounds=list(bounds), counts=list(counts), sum=total)
            for name, (bounds, counts, total) in port["measures"].items()
        },
    )


def lesson_stats_view(
    stats: LessonStats, *, seats: Sequence[SeatState], present: Sequence[SeatedDevice], at: float
) -> LessonStatsView:
    """The media core's measures, sorted by seats and devices."""
    devices = _Devices(stats, {device.device_id: device.seat_id for device in present})
    known = {device.device_id for device in present}
    return LessonStatsView(
        lesson_id=stats["lesson_id"],
        at=at,
        seats=[
            SeatStatsView(
                seat_id=seat.seat_id,
                role=seat.role,
                name=seat.name,
                school=seat.school,
                present=seat.present,
                link=seat.link,
                devices=[
                    devices.view(device.device_id, kind=device.kind, connected=device.connected)
                    for device in present
                    if device.seat_id == seat.seat_id
                ],
            )
            for seat in seats
        ],
        strangers=[
            devices.view(device_id, kind="", connected=False)
            for device_id in sorted(devices.ids - known)
        ],
    )


class _Devices:
    """A lesson's measures by device."""

    def __init__(self, stats: LessonStats, seat_of: Mapping[str, str]) -> None:
        self._seat_of = seat_of
        self._up = {line["device_id"]: line for line in stats["publications"]}
        self._down = {line["device_id"]: line for line in stats["subscriptions"]}
        self._producers = {producer["producer_id"]: producer for producer in stats["producers"]}
        self._taps = [tap["producer_id"] for tap in stats["taps"]]
        self.ids = self._up.keys() | self._down.keys()

    def view(self, device_id: str, *, kind: str, connected: bool) -> DeviceStatsView:
        """One device; without connections if it has none (yet)."""
        up, down = self._up.get(device_id), self._down.get(device_id)
        return DeviceStatsView(
            device_id=device_id,
            kind=kind,
            connected=connected,
            up=None if up is None else _line_view(up),
            down=None if down is None else _line_view(down),
            sends=[
                self._sent(producer)
                for producer in self._producers.values()
                if producer["device_id"] == device_id
            ],
            receives=list(self._received(() if down is None else down["consumers"])),
        )

    def _sent(self, producer: ProducerStats) -> SentView:
        return SentView.model_validate(
            {
                **producer,
                "source": producer["label"],
                "taps": self._taps.count(producer["producer_id"]),
            }
        )

    def _received(self, consumers: Iterable[ConsumerStats]) -> Iterable[ReceivedView]:
        for consumer in consumers:
            producer = self._producers.get(consumer["producer_id"])
            if producer is None:
                continue
            yield ReceivedView.model_validate(
                {
                    **consumer,
                    "from_seat_id": self._seat_of.get(producer["device_id"]),
                    "source": producer["label"],
                    "kind": producer["kind"],
                    "layers": len(producer["layers"]),
                }
            )


def _line_view(line: ConnectionStats) -> LineView:
    return LineView.model_validate(
        {
            **line,
            "rtt_ms": line["rtt_ms"] or None,
            "available_bps": line["available_bps"] or None,
        }
    )
