"""Collects the media core's counters at the moment of a scrape; nothing is done per packet.

Labels of streams name seats: who a device is, signaling knows. A lesson's samples are gone with
the lesson, so the number of label sets is bounded by what the node admits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mixer.errors import LessonUnknown
from mixer.node import (
    ConnectionStats,
    ConsumerStats,
    LessonStats,
    NodeStats,
    PortStats,
    ProducerStats,
)
from server.metrics.families import MEDIA
from server.metrics.sheet import Sheet, describe

# Scales of the pump's measures to the unit in the metric's name.
_MEASURES = {
    "added_delay_ns": ("tongke_pump_added_delay_seconds", 1e-9),
    "round_ns": ("tongke_pump_round_seconds", 1e-9),
    "batch_datagrams": ("tongke_pump_batch_datagrams", 1.0),
    "flush_datagrams": ("tongke_pump_flush_datagrams", 1.0),
}
_DROP = "drop_"
# Why nothing of a stream goes out, as the media core says it.
WITHHELD = ("bandwidth", "producer-paused", "producer-silent", "not-wanted")
STRANGER = "unknown"  # a device signaling does not know (any more)


class MeasuredMedia(Protocol):
    """What the metrics ask of the media core."""

    @property
    def lesson_ids(self) -> tuple[str, ...]: ...
    def node_stats(self) -> NodeStats: ...
    def lesson_stats(self, lesson_id: str) -> LessonStats: ...


class LessonDirectory(Protocol):
    """What the metrics ask of signaling about lessons."""

    def seats_of(self, lesson_id: str) -> Mapping[str, str]:
        """Every device of a lesson and the seat it is at."""
        ...

    def summary(self, lesson_id: str) -> tuple[int, int, bool] | None:
        """Seats present, devices connected, recording; None for a lesson not open."""
        ...


class MediaCollector(Collector):
    """A collector over a node."""

    def __init__(self, media: MeasuredMedia, lessons: LessonDirectory) -> None:
        self._media = media
        self._lessons = lessons

    def describe(self) -> Iterator[Metric]:
        """Names, without asking the node."""
        return describe(MEDIA)

    def collect(self) -> Iterator[Metric]:
        """Everything there is now."""
        sheet = Sheet(MEDIA)
        _node(sheet, self._media.node_stats())
        for lesson_id in self._media.lesson_ids:
            self._lesson(sheet, lesson_id)
        return sheet.metrics()

    def _lesson(self, sheet: Sheet, lesson_id: str) -> None:
        try:
            stats = self._media.lesson_stats(lesson_id)
        except LessonUnknown:
            return
        seats = self._lessons.seats_of(lesson_id)
        summary = self._lessons.summary(lesson_id)
        if summary is not None:
            present, devices, recording = summary
            sheet.put("tongke_lesson_seats_present", present, lesson_id)
            sheet.put("tongke_lesson_devices", devices, lesson_id)
            sheet.put("tongke_lesson_recording", recording, lesson_id)
        _LessonPage(sheet, stats, seats).fill()


def _node(sheet: Sheet, stats: NodeStats) -> None:
    sheet.put("tongke_lessons_open", stats["lessons"])
    sheet.put("tongke_lessons_admitted", stats["lessons_admitted"])
    sheet.put("tongke_node_ticks_total", stats["ticks"])
    sheet.put("tongke_node_tick_seconds_total", stats["tick_busy_s"])
    sheet.put("tongke_node_tick_late_seconds_total", stats["tick_late_s"])
    for port in stats["ports"]:
        _port(sheet, port)


def _port(sheet: Sheet, stats: PortStats) -> None:
    port = str(stats["port"])
    sheet.put("tongke_port_lessons", stats["lessons"], port)
    sheet.put("tongke_port_handshakes_pending", stats["pending"], port)
    for reason, count in stats["drops"].items():
        sheet.put("tongke_port_dropped_total", count, port, reason)
    for reason, count in stats["ice"].items():
        sheet.put("tongke_ice_dropped_total", count, port, reason)
    for name, count in stats["pump"].items():
        if name.startswith(_DROP):
            sheet.put("tongke_pump_dropped_total", count, port, name.removeprefix(_DROP))
        elif name == "busy_ns":
            sheet.put("tongke_pump_busy_seconds_total", count * 1e-9, port)
        else:
            sheet.put(f"tongke_pump_{name}_total", count, port)
    for name, value in stats["gauges"].items():
        sheet.put(f"tongke_pump_{name}", value, port)
    for name, (bounds, counts, total) in stats["measures"].items():
        metric, scale = _MEASURES[name]
        scaled = [bound * scale for bound in bounds]
        sheet.put_histogram(metric, scaled, counts, total * scale, port)


class _LessonPage:
    """One lesson's part of a sheet."""

    def __init__(self, sheet: Sheet, stats: LessonStats, seats: Mapping[str, str]) -> None:
        self._sheet = sheet
        self._stats = stats
        self._lesson = stats["lesson_id"]
        self._seats = seats

    def fill(self) -> None:
        """Streams in and out, and the connections they go over."""
        stats = self._stats
        producers = {producer["producer_id"]: producer for producer in stats["producers"]}
        for line in stats["publications"]:
            self._line(line, "up")
        for producer in producers.values():
            self._incoming(producer)
        for subscription in stats["subscriptions"]:
            self._line(subscription, "down")
            for consumer in subscription["consumers"]:
                source = producers.get(consumer["producer_id"])
                if source is not None:
                    self._outgoing(subscription["device_id"], source, consumer)
        self._totals(len(producers))

    def _totals(self, producers: int) -> None:
        lines = self._stats["subscriptions"]
        reasons = Counter(consumer["reason"] for line in lines for consumer in line["consumers"])
        self._sheet.put("tongke_lesson_producers", producers, self._lesson)
        self._sheet.put("tongke_lesson_consumers", reasons.total(), self._lesson)
        for reason in WITHHELD:
            self._sheet.put("tongke_lesson_streams_withheld", reasons[reason], self._lesson, reason)

    def _seat(self, device_id: str) -> str:
        return self._seats.get(device_id, STRANGER)

    def _put_all(self, prefix: str, values: Mapping[str, float], *labels: str) -> None:
        for name, value in values.items():
            self._sheet.put(f"{prefix}_{name}", value, self._lesson, *labels)

    def _line(self, line: ConnectionStats, direction: str) -> None:
        values: dict[str, float] = {
            "connected": line["state"] == "connected",
            "loss_ratio": line["loss"],
            "round_trip_seconds": line["rtt_ms"] / 1000,
            "bits_per_second": line["bitrate_bps"],
            "available_bits_per_second": line["available_bps"],
            "wanted_bits_per_second": line["wanted_bps"],
            "received_packets_total": line["packets_received"],
            "received_bytes_total": line["bytes_received"],
            "sent_packets_total": line["packets_sent"],
            "sent_bytes_total": line["bytes_sent"],
            "retransmitted_packets_total": line["packets_retransmitted"],
            "nacks_received_total": line["nacks_received"],
            "refused_packets_total": line["packets_refused"],
        }
        device = line["device_id"]
        self._put_all("tongke_transport", values, self._seat(device), device, direction)

    def _incoming(self, producer: ProducerStats) -> None:
        device = producer["device_id"]
        for layer in producer["layers"]:
            values: dict[str, float] = {
                "packets_total": layer["packets"],
                "bytes_total": layer["bytes"],
                "bits_per_second": layer["bitrate_bps"],
                "lost_packets": layer["lost"],
                "recovered_packets_total": layer["recovered"],
                "nacks_sent_total": layer["nacks_sent"],
                "keyframe_requests_total": layer["keyframe_requests"],
                "keyframes_total": layer["keyframes"],
                "jitter_seconds": layer["jitter_ms"] / 1000,
            }
            labels = (self._seat(device), device, producer["label"], str(layer["layer"]))
            self._put_all("tongke_stream_in", values, *labels)

    def _outgoing(self, device: str, source: ProducerStats, consumer: ConsumerStats) -> None:
        values: dict[str, float] = {
            "packets_total": consumer["packets"],
            "bytes_total": consumer["bytes"],
            "layer": consumer["layer"],
            "lost_packets": consumer["lost"],
            "nacked_packets_total": consumer["nacked"],
            "retransmitted_packets_total": consumer["retransmitted"],
            "keyframe_requests_total": consumer["keyframe_requests"],
            "switches_total": consumer["switches"],
        }
        sender = self._seat(source["device_id"])
        labels = (self._seat(device), device, sender, source["label"])
        self._put_all("tongke_stream_out", values, *labels)
