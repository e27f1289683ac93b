"""One scrape's page of numbers, and the description of what may stand on it.

A `Family` is one metric as `docs/metrics.md` lists it. A `Sheet` is filled with values at the
moment somebody asks and yields what prometheus-client writes out. A label set stands on it once: a
second one would make Prometheus refuse the whole page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)


class MetricKind(StrEnum):
    """Counters only grow, gauges go both ways, histograms count values by size."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name as Prometheus sees it, what it means, and its labels' names."""

    name: str
    kind: MetricKind
    meaning: str
    labels: tuple[str, ...] = ()


Labels = tuple[str, ...]
Buckets = tuple[Sequence[float], Sequence[int], float]  # bounds, counts, sum


class Sheet:
    """Values of a list of families. An unknown name is a `KeyError`: it would be undocumented."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = {family.name: family for family in families}
        self._values: dict[str, dict[Labels, float]] = {name: {} for name in self._families}
        self._histograms: dict[str, dict[Labels, Buckets]] = {name: {} for name in self._families}

    def put(self, name: str, value: float, *labels: str) -> None:
        """One value; of two with the same labels the first counts."""
        self._values[name].setdefault(labels, value)

    def put_histogram(
        self, name: str, bounds: Sequence[float], counts: Sequence[int], total: float, *labels: str
    ) -> None:
        """A histogram: `counts` are of the buckets alone, one more than `bounds`."""
        self._histograms[name].setdefault(labels, (bounds, counts, total))

    def metrics(self) -> Iterator[Metric]:
        """Everything in the catalogue's order; families without a value too."""
        for name, family in self._families.items():
            if family.kind is MetricKind.HISTOGRAM:
                yield _histogram(family, self._histograms[name])
            else:
                yield _plain(family, self._values[name])


def describe(families: Iterable[Family]) -> Iterator[Metric]:
    """The families without values, for the registry's check of names."""
    return Sheet(families).metrics()


def _plain(family: Family, values: dict[Labels, float]) -> Metric:
    made: CounterMetricFamily | GaugeMetricFamily
    if family.kind is MetricKind.COUNTER:
        made = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    else:
        made = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in values.items():
        made.add_metric(labels, value)
    return made


def _histogram(family: Family, samples: dict[Labels, Buckets]) -> Metric:
    made = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, (bounds, counts, total) in samples.items():
        made.add_metric(labels, cumulative(bounds, counts), total)
    return made


def cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Buckets as Prometheus wants them: each with all that is below its bound."""
    buckets, below = [], 0
    for bound, count in zip([*(f"{bound:g}" for bound in bounds), "+Inf"], counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets
