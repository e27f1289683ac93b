"""Collects what is known of the served certificate, at the moment of a scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from server.door.condition import Fault
from server.door.tls import ServedCertificate
from server.metrics.families import DOOR
from server.metrics.sheet import Sheet, describe


class DoorCollector(Collector):
    """A collector over the certificate; without one (behind a proxy) its families are empty."""

    def __init__(self, served: ServedCertificate | None) -> None:
        self._served = served

    def describe(self) -> Iterator[Metric]:
        """Names alone."""
        return describe(DOOR)

    def collect(self) -> Iterator[Metric]:
        """Everything there is now."""
        sheet = Sheet(DOOR)
        if self._served is not None:
            condition = self._served.condition
            end = condition.leaf.not_valid_after_utc.timestamp()
            sheet.put("tongke_certificate_end_timestamp_seconds", end)
            for fault in Fault:
                sheet.put("tongke_certificate_fault", fault in condition.faults, fault.value)
            sheet.put("tongke_certificate_reloads_total", self._served.reloads)
        return sheet.metrics()
