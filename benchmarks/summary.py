"""Runs made into figures: medians and ranges in a table, and one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks import growth
from benchmarks.lessons import Held
from benchmarks.measures import OURS, Measure
from benchmarks.running import Figures

Runs = Mapping[str, Mapping[str, Sequence[Figures]]]  # case → server → runs


def table(runs: Runs) -> str:
    """One line per case and server: medians, and the range of what matters most."""
    heads: tuple[str, ...] = ("case", "server", "in/s", "out/s", "loss", "CPU µs/packet")
    heads += ("range", "delay p50 ms", "p99 ms", "RSS MB")
    rows: list[tuple[str, ...]] = [heads]
    for case, servers in runs.items():
        for server, figures in servers.items():
            costs = [run.cpu_us_per_packet for run in figures]
            rows.append(
                (
                    case,
                    server,
                    f"{median(run.packets_in / run.seconds for run in figures):.0f}",
                    f"{median(run.packets_out / run.seconds for run in figures):.0f}",
                    f"{median(run.loss for run in figures):.3%}",
                    f"{median(costs):.2f}",
                    f"{min(costs):.2f}–{max(costs):.2f}",
                    f"{median(run.delay_ms_p50 for run in figures):.2f}",
                    f"{median(run.delay_ms_p99 for run in figures):.2f}",
                    f"{median(run.rss_mb for run in figures):.0f}",
                )
            )
    return columns(rows, left=2)


def measures_table(found: Sequence[Measure]) -> str:
    """What was asked beside what was measured."""
    rows = [("measure", "asked", "measured", "met?")]
    rows += [(one.what, one.asked, one.measured, one.verdict) for one in found]
    return columns(rows, left=4)


def growth_table(held: Mapping[str, Held]) -> str:
    """One line per server and number of lessons."""
    heads: tuple[str, ...] = ("lessons", "server", "CPU ms/s per lesson", "per further lesson")
    rows = [(*heads, "µs/packet", "p99 ms", "RSS MB")]
    for server, one in held.items():
        found = growth.growth(one)
        further = found.further_cpu_ms if found else ()
        for point, cost in zip(found.points if found else (), further, strict=True):
            rows.append(
                (
                    str(point.lessons),
                    server,
                    f"{point.cpu_ms_per_lesson:.1f}",
                    "–" if cost is None else f"{cost:.1f}",
                    f"{point.cpu_us_per_packet:.2f}",
                    f"{point.delay_ms_p99:.2f}",
                    f"{point.rss_mb:.0f}",
                )
            )
    return columns(rows, left=2)


def columns(rows: Sequence[tuple[str, ...]], *, left: int) -> str:
    """Text in columns under a ruled head; the first `left` of them begin in line."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if column < left else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "─" * max(map(len, lines)))
    return "\n".join(lines)


def as_data(
    runs: Runs, held: Mapping[str, Held] | None = None, *, raw: bool = False
) -> dict[str, Any]:
    """Medians per case and server, our ratio to every other server, lessons held, their growth.

    With `raw` also every run's own figures, for the data that is kept.
    """
    cases = {
        case: {server: _medians(figures) for server, figures in servers.items()}
        for case, servers in runs.items()
    }
    ratios = {
        case: {
            peer: round(servers[OURS]["cpu_us_per_packet"] / figures["cpu_us_per_packet"], 4)
            for peer, figures in servers.items()
            if peer != OURS and OURS in servers
        }
        for case, servers in cases.items()
    }
    data: dict[str, Any] = {
        "cases": cases,
        "ratios": ratios,
        "lessons_held": {server: found.lessons for server, found in (held or {}).items()},
        "growth": {server: growth.as_data(found) for server, found in (held or {}).items()},
    }
    if raw:
        data["runs"] = {
            case: {server: [asdict(run) for run in figures] for server, figures in servers.items()}
            for case, servers in runs.items()
        }
    return data


def as_json(runs: Runs, held: Mapping[str, Held] | None = None) -> str:
    """The last line of the output."""
    return json.dumps(as_data(runs, held))


def _medians(figures: Sequence[Figures]) -> dict[str, float]:
    return {
        "cpu_us_per_packet": round(median(run.cpu_us_per_packet for run in figures), 3),
        "added_delay_ms_p50": round(median(run.delay_ms_p50 for run in figures), 3),
        "added_delay_ms_p99": round(median(run.delay_ms_p99 for run in figures), 3),
        "loss": round(median(run.loss for run in figures), 6),
        "rss_mb": round(median(run.rss_mb for run in figures), 1),
    }
