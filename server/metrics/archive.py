"""Collects where uploads to the object store stand, and what the communities' rules meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.metrics.families import ARCHIVE
from server.metrics.sheet import Sheet, describe
from server.recordings.object_store import ObjectStore
from server.recordings.retention import Obstacle, QuotaState
from server.recordings.retiring import Retirement
from server.recordings.store import Store


class ArchiveCollector(Collector):
    """A collector over store and retirement; without an object store uploads have no values."""

    def __init__(self, store: Store, retirement: Retirement) -> None:
        self._store = store
        self._retirement = retirement

    def describe(self) -> Iterator[Metric]:
        """Names alone."""
        return describe(ARCHIVE)

    def collect(self) -> Iterator[Metric]:
        """Everything there is now."""
        sheet = Sheet(ARCHIVE)
        if isinstance(self._store, ObjectStore):
            totals = self._store.uploads.totals()
            sheet.put("tongke_uploads_waiting", totals.waiting)
            sheet.put("tongke_upload_spool_bytes", totals.spool_bytes)
            sheet.put("tongke_upload_spool_full", totals.spool_full)
            sheet.put("tongke_upload_oldest_seconds", totals.oldest_s)
            sheet.put("tongke_upload_failures", totals.failures)
            sheet.put("tongke_upload_sent_bytes_total", totals.sent_bytes)
        kept = Counter(one.obstacle for one in self._retirement.refused.values())
        for obstacle in Obstacle:
            sheet.put("tongke_archive_kept", kept[obstacle], obstacle.value)
        for state in (QuotaState.NEAR, QuotaState.OVER):
            count = sum(one is state for one in self._retirement.quotas.values())
            sheet.put("tongke_archive_quotas", count, state.value)
        return sheet.metrics()
