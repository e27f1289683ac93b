"""What a node and a lesson show of themselves, as plain values for JSON and for metrics.

Owns: gathering. Leaves to others: units' names (they are in the keys), storing, drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from mixer.model import LinkState
from mixer.node.port import Port

if TYPE_CHECKING:
    from mixer.node.lesson import Lesson


def node_stats(ports: Sequence[Port], lessons: int) -> dict[str, object]:
    """Counters of every port: the pump's, the ICE agent's, and what was dropped between."""
    return {
        "lessons": lessons,
        "ports": [
            {
                "candidates": [f"{host} {number}" for host, number in port.candidates],
                "lessons": port.lessons,
                "transports": len(port.ice),
                "pump": port.pump.pump_stats(),
                "ice": asdict(port.ice.counters),
                "drops": asdict(port.counters),
            }
            for port in ports
        ],
    }


def lesson_stats(lesson: Lesson, now: float) -> dict[str, object]:
    """Every connection, producer and consumer of a lesson."""
    pump = lesson.port.pump
    return {
        "lesson_id": lesson.lesson_id,
        "producers": [
            {
                "producer_id": producer.producer_id,
                "device_id": producer.device_id,
                "label": producer.label,
                "kind": producer.kind.value,
                "codec": producer.codec.name,
                "live": producer.live,
                "paused": producer.paused,
                "layers": [
                    {
                        "bitrate_bps": encoding.meter.bitrate_bps,
                        "live": encoding.meter.live(now),
                        **counters,
                    }
                    for encoding, counters in zip(
                        producer.encodings, pump.producer_stats(producer.pump_id), strict=False
                    )
                ],
            }
            for publication in lesson.publications.values()
            for producer in publication.producers.values()
        ],
        "publications": [
            _connection(publication.connection.state, publication.connection.failure)
            | asdict(publication.measure(now))
            for publication in lesson.publications.values()
        ],
        "subscriptions": [
            _connection(subscription.connection.state, subscription.connection.failure)
            | asdict(subscription.consumers.measure(now))
            | {
                "consumers": [
                    {
                        "producer_id": consumer.producer.producer_id,
                        "mid": consumer.mid,
                        "layer": consumer.layer,
                        **pump.consumer_stats(consumer.pump_id),
                    }
                    for consumer in subscription.consumers
                ]
            }
            for subscription in lesson.subscriptions.values()
        ],
        "taps": [
            {"tap_id": tap_id, "producer_id": tap.info.producer_id}
            for tap_id, tap in lesson.taps.items()
        ],
    }


def _connection(state: LinkState, failure: str) -> dict[str, object]:
    return {"state": state.value, "failure": failure}
