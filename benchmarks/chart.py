"""A bar chart as SVG: groups of bars side by side, one colour a server, values written on them.

Nothing but text is made, so that a result can be compared and kept; light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

Groups = Mapping[str, Mapping[str, float]]  # group → series → value

# Told apart by people who see colours differently (Okabe and Ito), on white as on black.
COLOURS = ("#0072B2", "#999999", "#D55E00", "#E69F00", "#CC79A7", "#009E73")
WIDTH, PLOT_HEIGHT, TOP, BOTTOM, SIDE = 860, 260, 74, 40, 16
GAP_BETWEEN_GROUPS = 0.8  # bars


def bars(title: str, unit: str, groups: Groups) -> str:
    """The whole SVG document; every group starts at 0, all share one scale."""
    series = list(dict.fromkeys(name for group in groups.values() for name in group))
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(series)}
    top_value = max((value for group in groups.values() for value in group.values()), default=1.0)
    slots = sum(len(group) + GAP_BETWEEN_GROUPS for group in groups.values())
    bar_width = (WIDTH - 2 * SIDE) / max(slots, 1.0)
    base = TOP + PLOT_HEIGHT
    parts = [
        _text(SIDE, 24, title, size=16, anchor="start", bold=True),
        _text(WIDTH - SIDE, 24, unit, size=12, anchor="end"),
        *_legend(colours),
        f'<line x1="{SIDE}" y1="{base}" x2="{WIDTH - SIDE}" y2="{base}" stroke="#888"/>',
    ]
    left = SIDE + bar_width * GAP_BETWEEN_GROUPS / 2
    for group_name, group in groups.items():
        middle = left + bar_width * len(group) / 2
        parts.append(_text(middle, base + 22, group_name, size=13))
        for name, value in group.items():
            height = PLOT_HEIGHT * value / top_value if top_value > 0 else 0.0
            parts.append(
                f'<rect x="{left + 1:.1f}" y="{base - height:.1f}" width="{bar_width - 2:.1f}" '
                f'height="{height:.1f}" fill="{colours[name]}"/>'
            )
            parts.append(_text(left + bar_width / 2, base - height - 5, _short(value), size=11))
            left += bar_width
        left += bar_width * GAP_BETWEEN_GROUPS
    height = base + BOTTOM
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _legend(colours: Mapping[str, str]) -> list[str]:
    parts, left = [], float(SIDE)
    for name, colour in colours.items():
        parts.append(f'<rect x="{left:.0f}" y="38" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(left + 17, 48, name, size=12, anchor="start"))
        left += 34 + 7.2 * len(name)
    return parts


def _text(
    x: float, y: float, text: str, *, size: int, anchor: str = "middle", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="#222"{weight}>{escape(text)}</text>'
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
