"""What the server shows of itself to Prometheus: a registry, its collectors, the page they make.

The list of all metrics is `families.py`; `docs/metrics.md` tells what to do with them. Numbers are
read when they are asked for: between two scrapes metrics cost nothing but the HTTP timing.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.broadcasts.service import BroadcastService
from server.door.tls import ServedCertificate
from server.metrics.archive import ArchiveCollector
from server.metrics.door import DoorCollector
from server.metrics.http_times import HttpMeters
from server.metrics.media import MeasuredMedia, MediaCollector
from server.metrics.service import ServiceCollector, SignalingDirectory
from server.programs.service import ProgramService
from server.recordings.recording import RecordingService
from server.recordings.retiring import Retirement
from server.recordings.store import Store
from signaling.driver import LessonService

__all__ = ["Metrics", "Readings"]


class Metrics:
    """One server's metrics. `watch` its parts once they are there."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.http = HttpMeters(self.registry)
        ProcessCollector(registry=self.registry)

    def watch(
        self,
        media: MeasuredMedia,
        signaling: LessonService,
        recording: RecordingService | None,
        programs: ProgramService | None,
        broadcasts: BroadcastService | None,
    ) -> None:
        """Collect from these from now on."""
        self.registry.register(MediaCollector(media, SignalingDirectory(signaling)))
        self.registry.register(ServiceCollector(signaling, recording, programs, broadcasts))
        if recording is not None:
            ProcessCollector(
                namespace="tongke_recorder",
                pid=lambda: recording.recorder_pid or "none",
                registry=self.registry,
            )

    def watch_archive(self, store: Store, retirement: Retirement) -> None:
        """Collect from these too."""
        self.registry.register(ArchiveCollector(store, retirement))

    def watch_certificate(self, served: ServedCertificate | None) -> None:
        """Collect from the served certificate too."""
        self.registry.register(DoorCollector(served))

    def read(self) -> Readings:
        """All numbers as they are now. Call it in the event loop, whose counters they are."""
        return Readings(list(self.registry.collect()))


class Readings(Collector):
    """Numbers of one moment, to be written out where it disturbs nobody: a server full of lessons
    has a megabyte of them, a tenth of a second's work."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        """As the encoders of prometheus-client want them."""
        return self._metrics

    def page(self, accept: str) -> tuple[bytes, str]:
        """The text and its media type, in the form that `accept` asks for (default: text 0.0.4)."""
        encode, media_type = choose_encoder(accept)
        return encode(self), media_type
