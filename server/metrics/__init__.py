"""What the server shows of itself to Prometheus: a registry, its collectors, the page they make.

The list of all metrics is `families.py`; `docs/metrics.md` tells what to do with them. Numbers are
read when they are asked for: between two scrapes metrics cost nothing but the HTTP timing.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from server.metrics.http_times import HttpMeters
from server.metrics.media import MeasuredMedia, MediaCollector
from server.metrics.service import ServiceCollector, SignalingPlaces
from server.recording import Recording
from signaling.driver import LessonService

__all__ = ["Metrics"]


class Metrics:
    """One server's metrics. `watch` its parts once they are there."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.http = HttpMeters(self.registry)
        ProcessCollector(registry=self.registry)

    def watch(
        self, media: MeasuredMedia, signaling: LessonService, recording: Recording | None
    ) -> None:
        """Collect from these from now on."""
        self.registry.register(MediaCollector(media, SignalingPlaces(signaling)))
        self.registry.register(ServiceCollector(signaling, recording))
        if recording is not None:
            ProcessCollector(
                namespace="tongke_recorder",
                pid=lambda: recording.recorder_pid or "none",
                registry=self.registry,
            )

    def page(self, accept: str) -> tuple[bytes, str]:
        """The text and its media type, in the form that `accept` asks for (default: text 0.0.4)."""
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type
