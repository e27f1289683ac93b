"""A bar chart: groups of bars side by side, one colour a server, values written on them."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.svg import PLOT_HEIGHT, SIDE, TOP, WIDTH, colours_of, document, line, text

Groups = Mapping[str, Mapping[str, float]]  # group → series → value

BOTTOM = 40
GAP_BETWEEN_GROUPS = 0.8  # bars
# Bars of values so many times the others' median are cut, or nothing else could be seen.
CUT_AT = 5.0


def bars(title: str, unit: str, groups: Groups) -> str:
    """The whole SVG document; every group starts at 0, all share one scale.

    A bar far beyond the others ends at the top, cut through; its value stands on it all the same.
    """
    colours = colours_of(name for group in groups.values() for name in group)
    top_value = _top([value for group in groups.values() for value in group.values()])
    slots = sum(len(group) + GAP_BETWEEN_GROUPS for group in groups.values())
    bar_width = (WIDTH - 2 * SIDE) / max(slots, 1.0)
    base = TOP + PLOT_HEIGHT
    parts = [line(SIDE, base, WIDTH - SIDE, base)]
    left = SIDE + bar_width * GAP_BETWEEN_GROUPS / 2
    for group_name, group in groups.items():
        parts.append(text(left + bar_width * len(group) / 2, base + 22, group_name, size=13))
        for name, value in group.items():
            parts += _bar(left, bar_width, value, top_value, colours[name])
            left += bar_width
        left += bar_width * GAP_BETWEEN_GROUPS
    return document(title, unit, colours, parts, height=base + BOTTOM)


def _bar(left: float, width: float, value: float, top_value: float, colour: str) -> list[str]:
    base = TOP + PLOT_HEIGHT
    height = PLOT_HEIGHT * min(1.0, value / top_value)
    top = base - height
    parts = [
        f'<rect class="bar" x="{left + 1:.1f}" y="{top:.1f}" width="{width - 2:.1f}" '
        f'height="{height:.1f}" fill="{colour}"/>'
    ]
    if value > top_value:
        parts.append(
            f'<path class="page" d="M{left:.1f} {top + 22:.1f} l{width:.1f} -8 v6 '
            f'l-{width:.1f} 8 z"/>'
        )
    return [*parts, text(left + width / 2, top - 5, short(value), size=11)]


def _top(values: list[float]) -> float:
    """The value at the top of the scale."""
    found = sorted(value for value in values if value > 0)
    if not found:
        return 1.0
    usual = found[len(found) // 2]
    return max(value for value in found if value <= CUT_AT * usual)


def short(value: float) -> str:
    """As many digits as people want to read."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
