"""The little SVG that the charts share: a page that follows the reader's light or dark, text, keys.

Nothing but text is made, so that a result can be compared and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

# Told apart by people who see colours differently (Okabe and Ito), on white as on black.
# A server has the same colour in every chart.
USUAL = ("tongke", "floor", "janus", "janus-2-loops", "aiortc")
COLOURS = ("#0072B2", "#999999", "#D55E00", "#E69F00", "#CC79A7", "#009E73")
WIDTH, PLOT_HEIGHT, TOP, SIDE = 860, 260, 74, 16
STYLE = (
    "<style>"
    ".page{fill:#fff}.ink{fill:#1f2328}.line{stroke:#8c959f}.faint{stroke:#d0d7de}"
    "@media(prefers-color-scheme:dark){"
    ".page{fill:#0d1117}.ink{fill:#e6edf3}.line{stroke:#6e7681}.faint{stroke:#30363d}}"
    "</style>"
)


def colours_of(series: Iterable[str]) -> dict[str, str]:
    """A colour for each name; the usual servers have theirs, others what comes after."""
    names = list(dict.fromkeys(series))
    order = [*USUAL, *(name for name in names if name not in USUAL)]
    return {name: COLOURS[order.index(name) % len(COLOURS)] for name in names}


def document(
    title: str, unit: str, colours: Mapping[str, str], parts: Sequence[str], *, height: int
) -> str:
    """The whole SVG: title, unit, key of colours, and what was drawn."""
    head = [
        text(SIDE, 24, title, size=16, anchor="start", bold=True),
        text(WIDTH - SIDE, 24, unit, size=12, anchor="end"),
        *_key(colours),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" role="img" aria-label="{escape(title)}">\n{STYLE}\n'
        f'<rect class="page" width="{WIDTH}" height="{height}"/>\n'
        + "\n".join([*head, *parts])
        + "\n</svg>\n"
    )


def text(
    x: float, y: float, words: str, *, size: int, anchor: str = "middle", bold: bool = False
) -> str:
    """Words in the page's ink."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text class="ink" x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
        f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "line") -> str:
    """A thin line, `kind` "line" or "faint"."""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _key(colours: Mapping[str, str]) -> list[str]:
    parts, left = [], float(SIDE)
    for name, colour in colours.items():
        parts.append(f'<rect x="{left:.0f}" y="38" width="12" height="12" fill="{colour}"/>')
        parts.append(text(left + 17, 48, name, size=12, anchor="start"))
        left += 34 + 7.2 * len(name)
    return parts
