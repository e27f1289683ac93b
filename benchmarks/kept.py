"""Results that stay: a page, a chart and the data of one whole run, under `benchmarks/results/`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import chart

FOLDER = Path(__file__).parent / "results"
DATA_FOR_CHARTS = "cpu_us_per_packet"


def keep(
    name: str,
    *,
    told: Sequence[str],
    table: str,
    lessons: Sequence[str],
    data: Mapping[str, Any],
    folder: Path = FOLDER,
) -> Path:
    """Write `NAME.md`, `NAME.svg`, `NAME.json`; returns the page's path.

    `told` are the lines on machine, load and servers, `table` the table for people, `lessons` what
    the search for the machine's limit said.
    """
    folder.mkdir(exist_ok=True)
    groups = {
        case: {server: figures[DATA_FOR_CHARTS] for server, figures in servers.items()}
        for case, servers in data["cases"].items()
    }
    picture = chart.bars("CPU per forwarded packet", "µs, less is better", groups)
    page = "\n".join(
        [
            f"# Forwarding, {name}",
            "",
            *(f"- {line}" for line in told),
            "",
            f"![CPU per forwarded packet]({name}.svg)",
            "",
            "```",
            table,
            "```",
            "",
            *_ratios(data["ratios"]),
            *lessons,
            "",
            "What is measured and how: [docs/benchmarks.md](../../docs/benchmarks.md).",
            "",
        ]
    )
    _write(folder / f"{name}.svg", picture)
    _write(folder / f"{name}.json", json.dumps(data, indent=1) + "\n")
    _write(folder / f"{name}.md", page)
    return folder / f"{name}.md"


def _ratios(ratios: Mapping[str, Mapping[str, float]]) -> list[str]:
    peers = list(dict.fromkeys(peer for case in ratios.values() for peer in case))
    if not peers:
        return []
    rows = [f"| {' | '.join(['CPU, Tongke ÷', *peers])} |", "| --- " * (len(peers) + 1) + "|"]
    for case, found in ratios.items():
        cells = [f"{found[peer]:.2f}" if peer in found else "–" for peer in peers]
        rows.append(f"| {' | '.join([case, *cells])} |")
    return [*rows, ""]


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(f"{path.suffix}.new")
    temporary.write_text(text)
    temporary.replace(path)
