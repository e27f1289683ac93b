"""What a node and a lesson show of themselves, as plain values for JSON and for metrics.

Owns: gathering, and the shape of what is gathered. Units are in the names; counters count since
their stream or connection began. Leaves to others: storing, drawing, names of people and rooms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, TypedDict

from mixer.model import Direction, LinkMeasured, Want
from mixer.node.peer_connection import PeerConnection
from mixer.node.port import Port
from mixer.node.streams import Consumer, Encoding, Producer
from mixer.node.ticks import Ticks
from mixer.pump import Address, Pump

if TYPE_CHECKING:
    from mixer.node.lesson_media import LessonMedia
    from mixer.node.subscription import Subscription

# name → (upper bounds, counts: one more than bounds, sum): `mixer.pump.Pump.pump_measures`
Measures = dict[str, tuple[tuple[int, ...], tuple[int, ...], int]]


class PortStats(TypedDict):
    """One UDP port: its pump, its ICE agent, and what was dropped between pump and lesson."""

    port: int
    candidates: list[str]
    lessons: int
    transports: int
    pending: int
    pump: dict[str, int]
    gauges: dict[str, int]
    measures: Measures
    ice: dict[str, int]
    drops: dict[str, int]


class NodeStats(TypedDict):
    """A node: its ports, and how its ticks keep up."""

    lessons: int
    lessons_admitted: int
    ticks: int
    tick_busy_s: float
    tick_late_s: float
    ports: list[PortStats]


class LayerStats(TypedDict):
    """One encoding as it arrives; `lost` is what the line lost, `recovered` what came after all.
    `width` and `height` are its pictures' own, 0 before the first keyframe."""

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


class ProducerStats(TypedDict):
    """A stream coming in."""

    producer_id: str
    device_id: str
    label: str
    kind: str
    codec: str
    live: bool
    paused: bool
    faults: list[str]
    max_bitrate_bps: int
    layers: list[LayerStats]


class ConnectionStats(TypedDict):
    """A peer connection: its line over the last seconds, and the counters of its transport.

    `rtt_ms` and `available_bps` are 0 while unknown. `wanted_bps` is what all wants would take,
    `used_bps` what was shared out (both 0 on the way up).
    """

    device_id: str
    direction: Direction
    state: str
    failure: str
    address: str
    loss: float
    rtt_ms: float
    bitrate_bps: int
    available_bps: int
    wanted_bps: int
    used_bps: int
    packets_received: int
    bytes_received: int
    rtcp_received: int
    packets_sent: int
    bytes_sent: int
    packets_retransmitted: int
    bytes_retransmitted: int
    nacks_received: int
    packets_refused: int


class ConsumerStats(TypedDict):
    """A stream going out. `layer` is what goes out now, `target` what is being switched to (−1:
    nothing), `reason` why it is nothing; `lost` and `jitter_ms` are the receiver's own report."""

    producer_id: str
    mid: str
    layer: int
    target: int
    reason: str
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


class SubscriptionStats(ConnectionStats):
    """The way down of a device, with all that goes over it."""

    consumers: list[ConsumerStats]


class TapStats(TypedDict):
    """A local reader of a producer."""

    tap_id: str
    producer_id: str


class LessonStats(TypedDict):
    """Every connection and stream of a lesson."""

    lesson_id: str
    port: int
    producers: list[ProducerStats]
    publications: list[ConnectionStats]
    subscriptions: list[SubscriptionStats]
    taps: list[TapStats]


def node_stats(
    ports: Sequence[Port], *, lessons: int, lessons_admitted: int, ticks: Ticks
) -> NodeStats:
    """Counters of every port: the pump's, the ICE agent's, and what was dropped between."""
    return {
        "lessons": lessons,
        "lessons_admitted": lessons_admitted,
        "ticks": ticks.count,
        "tick_busy_s": ticks.busy_s,
        "tick_late_s": ticks.late_s,
        "ports": [
            {
                "port": port.pump.port,
                "candidates": [
                    *(f"{host} {number}" for host, number in port.candidates),
                    *(f"{host} {number} tcp" for host, number in port.tcp_candidates),
                ],
                "lessons": port.lessons,
                "transports": len(port.ice),
                "pending": port.pending(),
                "pump": port.pump.pump_stats(),
                "gauges": port.pump.pump_gauges(),
                "measures": port.pump.pump_measures(),
                "ice": asdict(port.ice.counters),
                "drops": asdict(port.counters),
            }
            for port in ports
        ],
    }


def lesson_stats(lesson: LessonMedia, now: float) -> LessonStats:
    """Every connection, producer and consumer of a lesson."""
    pump, members = lesson.port.pump, lesson.members
    return {
        "lesson_id": lesson.lesson_id,
        "port": pump.port,
        "producers": [_producer(pump, producer, now) for producer in members.producers.values()],
        "publications": [
            _connection(publication.connection, publication.measure(now))
            for publication in members.publications.values()
        ],
        "subscriptions": [
            _subscription(pump, subscription, now)
            for subscription in members.subscriptions.values()
        ],
        "taps": [
            {"tap_id": tap_id, "producer_id": tap.info.producer_id}
            for tap_id, tap in members.taps.items()
        ],
    }


def _producer(pump: Pump, producer: Producer, now: float) -> ProducerStats:
    # The pump has rows for the layers whose SSRC is known.
    rows = {row["layer"]: row for row in pump.producer_stats(producer.pump_id)}
    return {
        "producer_id": producer.producer_id,
        "device_id": producer.device_id,
        "label": producer.label,
        "kind": producer.kind.value,
        "codec": producer.codec.name,
        "live": producer.live,
        "paused": producer.paused,
        "faults": [fault.value for fault in producer.faults],
        "max_bitrate_bps": producer.max_bitrate_bps,
        "layers": [
            _layer(producer, layer, encoding, rows.get(encoding.slot, {}), now)
            for layer, encoding in enumerate(producer.encodings)
        ],
    }


def _layer(
    producer: Producer, layer: int, encoding: Encoding, row: dict[str, int], now: float
) -> LayerStats:
    return {
        "layer": layer,
        "rid": encoding.rid,
        "ssrc": encoding.ssrc,
        "width": encoding.format.width if encoding.format else 0,
        "height": encoding.format.height if encoding.format else 0,
        "live": encoding.meter.live(now),
        "bitrate_bps": encoding.meter.bitrate_bps if encoding.meter.live(now) else 0,
        "packets": row.get("packets", 0),
        "bytes": row.get("bytes", 0),
        "lost": row.get("lost", 0),
        "recovered": row.get("recovered", 0),
        "duplicates": row.get("duplicates", 0),
        "late": row.get("late", 0),
        "nacks_sent": row.get("nacks_sent", 0),
        "keyframe_requests": encoding.keyframe_requests,
        "keyframes": row.get("keyframes", 0),
        "pictures": row.get("pictures", 0),
        "restarts": row.get("restarts", 0),
        "jitter_ms": 1000 * row.get("jitter", 0) / producer.codec.clock_rate,
    }


def _address_text(address: Address) -> str:
    by_tcp = " tcp" if len(address) > 2 else ""
    return f"{address[0]} {address[1]}{by_tcp}"


def _connection(
    connection: PeerConnection, measured: LinkMeasured, *, wanted_bps: int = 0, used_bps: int = 0
) -> ConnectionStats:
    counters = connection.counters()
    address = connection.remote
    return {
        "device_id": measured.device_id,
        "direction": measured.direction,
        "state": connection.state.value,
        "failure": connection.failure,
        "address": "" if address is None else _address_text(address),
        "loss": measured.loss,
        "rtt_ms": measured.rtt_ms,
        "bitrate_bps": measured.bitrate_bps,
        "available_bps": measured.available_bps,
        "wanted_bps": wanted_bps,
        "used_bps": used_bps,
        "packets_received": counters.get("packets_received", 0),
        "bytes_received": counters.get("bytes_received", 0),
        "rtcp_received": counters.get("rtcp_received", 0),
        "packets_sent": counters.get("packets_sent", 0),
        "bytes_sent": counters.get("bytes_sent", 0),
        "packets_retransmitted": counters.get("packets_retransmitted", 0),
        "bytes_retransmitted": counters.get("bytes_retransmitted", 0),
        "nacks_received": counters.get("nacks_received", 0),
        "packets_refused": counters.get("packets_refused", 0),
    }


def _subscription(pump: Pump, subscription: Subscription, now: float) -> SubscriptionStats:
    consumers = subscription.consumers
    wants = {want.producer_id: want for want in subscription.wants}
    line = _connection(
        subscription.connection,
        consumers.measure(now),
        wanted_bps=consumers.wanted_bps,
        used_bps=consumers.used_bps,
    )
    return {
        **line,
        "consumers": [
            _consumer(pump, consumer, wants.get(consumer.producer.wanted_as), now)
            for consumer in consumers
        ],
    }


def _consumer(pump: Pump, consumer: Consumer, want: Want | None, now: float) -> ConsumerStats:
    row = pump.consumer_stats(consumer.pump_id)
    return {
        "producer_id": consumer.producer.producer_id,
        "mid": consumer.mid,
        "layer": consumer.producer.layer_of(row["layer"]),
        "target": consumer.producer.layer_of(row["target"]),
        "reason": "not-wanted" if consumer.shown is None else consumer.shown[1],
        "width": 0 if want is None else want.width,
        "height": 0 if want is None else want.height,
        "priority": 0 if want is None else want.priority,
        "bitrate_bps": consumer.meter.bitrate_bps if consumer.meter.live(now) else 0,
        "packets": row["packets"],
        "bytes": row["bytes"],
        "lost": max(0, row["reported_lost"]),
        "jitter_ms": 1000 * row["reported_jitter"] / consumer.producer.codec.clock_rate,
        "nacked": row["nacked"],
        "retransmitted": row["retransmitted"],
        "keyframe_requests": consumer.keyframe_requests,
        "switches": row["switches"],
    }
