"""Results that stay: a page, its charts and the data of one run, under `benchmarks/results/`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import chart, line_chart
from benchmarks.measures import Measure

FOLDER = Path(__file__).parent / "results"


def keep(
    name: str,
    *,
    told: Sequence[str],
    tables: Mapping[str, str],
    judged: Sequence[Measure],
    data: Mapping[str, Any],
    folder: Path = FOLDER,
) -> Path:
    """Write `NAME.md`, `NAME.svg`, `NAME.json` and, of lessons held, `NAME-lessons.svg`.

    `told` are the lines on machine, load, servers and circumstances, `tables` texts by their
    titles (the first has none), `judged` what was asked. Returns the page's path.
    """
    folder.mkdir(exist_ok=True)
    page = [f"# Forwarding, {name}", "", *(f"- {line}" for line in told), ""]
    for suffix, (title, picture) in _pictures(data).items():
        page += [f"![{title}]({name}{suffix}.svg)", ""]
        _write(folder / f"{name}{suffix}.svg", picture)
    for title, text in tables.items():
        page += [f"## {title}", ""] if title else []
        page += ["```", text, "```", ""]
    page += [
        *_ratios(data["ratios"]),
        "What is measured and how: [docs/benchmarks.md](../../docs/benchmarks.md).",
        "",
    ]
    whole = {**data, "told": list(told), "measures": [_as_data(one) for one in judged]}
    _write(folder / f"{name}.json", json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    _write(folder / f"{name}.md", "\n".join(page))
    return folder / f"{name}.md"


def _pictures(data: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Charts by what their file's name ends in: (title, SVG)."""
    pictures = {}
    costs = {
        case: {server: figures["cpu_us_per_packet"] for server, figures in servers.items()}
        for case, servers in data["cases"].items()
    }
    if costs:
        title = "CPU per forwarded packet"
        pictures[""] = title, chart.bars(title, "µs, less is better", costs)
    grown = {
        server: list(zip(one["lessons"], one["cpu_ms_per_lesson"], strict=True))
        for server, one in data["growth"].items()
    }
    if any(grown.values()):
        title = "CPU per lesson as lessons are added"
        picture = line_chart.lines(
            title, "ms of CPU a second per lesson", "4-seat lessons at once", grown
        )
        pictures["-lessons"] = title, picture
    return pictures


def _as_data(one: Measure) -> dict[str, object]:
    return {"measure": one.what, "asked": one.asked, "measured": one.measured, "met": one.met}


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
    with temporary.open("w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(path)
