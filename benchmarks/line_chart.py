"""A line chart of something that grows: one line a server, doublings side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.chart import short
from benchmarks.svg import PLOT_HEIGHT, SIDE, TOP, WIDTH, colours_of, document, line, text

Lines = Mapping[str, Sequence[tuple[int, float]]]  # series → (how many, value)

LEFT, BOTTOM = 56, 58
GRID_LINES_LEAST = 3


def lines(title: str, unit: str, below: str, series: Lines) -> str:
    """The whole SVG document; values from 0 upwards, `below` says what is counted to the right."""
    colours = colours_of(series)
    points = [point for found in series.values() for point in found]
    most = max((count for count, _ in points), default=1)
    step = _step(max((value for _, value in points), default=1.0) or 1.0)
    steps = max((math.ceil(value / step) for _, value in points), default=1)
    top_value = step * max(1, steps)
    base = TOP + PLOT_HEIGHT

    def x(count: int) -> float:
        return LEFT + (WIDTH - SIDE - LEFT - 24) * math.log2(count) / max(math.log2(most), 1.0)

    def y(value: float) -> float:
        return base - PLOT_HEIGHT * value / top_value

    parts = []
    for number in range(max(1, steps) + 1):
        value = step * number
        kind = "faint" if number else "line"
        parts.append(line(LEFT, y(value), WIDTH - SIDE, y(value), kind))
        parts.append(text(LEFT - 8, y(value) + 4, short(value), size=11, anchor="end"))
    for count in sorted({count for count, _ in points}):
        if count & (count - 1) == 0:
            parts.append(text(x(count), base + 20, str(count), size=12))
    parts.append(text((LEFT + WIDTH - SIDE) / 2, base + 42, below, size=12))
    for name, found in series.items():
        path = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in found)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2.5"/>'
        )
        for count, value in found:
            parts.append(
                f'<circle cx="{x(count):.1f}" cy="{y(value):.1f}" r="4" fill="{colours[name]}">'
                f"<title>{name}, {count}: {short(value)}</title></circle>"
            )
        if found:  # the last one is the limit, and no power of two as a rule
            count, value = found[-1]
            parts.append(text(x(count), y(value) - 9, f"{count}", size=11))
    return document(title, unit, colours, parts, height=base + BOTTOM)


def _step(most: float) -> float:
    """Between two lines of the grid: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(most / GRID_LINES_LEAST))
    return max(power * times for times in (1, 2, 5) if power * times <= most / GRID_LINES_LEAST)
