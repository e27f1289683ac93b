"""Runs made into figures: medians and ranges in a table, and one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.running import Figures

Runs = Mapping[str, Mapping[str, Sequence[Figures]]]  # case → server → runs

OURS = "tongke"


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
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "─" * len(lines[0]))
    return "\n".join(lines)


def as_data(runs: Runs, lessons_held: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Medians per case and server, our ratio to every other server, and lessons held."""
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
    return {"cases": cases, "ratios": ratios, "lessons_held": dict(lessons_held or {})}


def as_json(runs: Runs, lessons_held: Mapping[str, int] | None = None) -> str:
    """The last line of the output."""
    return json.dumps(as_data(runs, lessons_held))


def _medians(figures: Sequence[Figures]) -> dict[str, float]:
    return {
        "cpu_us_per_packet": round(median(run.cpu_us_per_packet for run in figures), 3),
        "added_delay_ms_p50": round(median(run.delay_ms_p50 for run in figures), 3),
        "added_delay_ms_p99": round(median(run.delay_ms_p99 for run in figures), 3),
        "loss": round(median(run.loss for run in figures), 6),
        "rss_mb": round(median(run.rss_mb for run in figures), 1),
    }
