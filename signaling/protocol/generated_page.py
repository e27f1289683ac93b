"""A page of `docs/` with tables that are generated from the code that obeys them.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; the prose around it
is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def generate(page: str, parts: Mapping[str, str]) -> str:
    """The page with all its generated parts as they should be."""
    return _PART.sub(lambda part: f"{part[1]}{parts[part[2]]}\n{part[3]}", page)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def run(
    command: str, parts: Mapping[str, str], usual_page: Path, arguments: list[str] | None
) -> int:
    """Write the page, or with `--check` compare it; the exit status of `python -m COMMAND`."""
    parser = argparse.ArgumentParser(prog=f"python -m {command}")
    parser.add_argument("--check", action="store_true", help="fail when the page is stale")
    parser.add_argument("--page", type=Path, default=usual_page)
    options = parser.parse_args(arguments)
    page: Path = options.page
    current = page.read_text(encoding="utf-8")
    text = generate(current, parts)
    if text == current:
        return 0
    if options.check:
        sys.stderr.write(f"{page} is stale: run `python -m {command}`\n")
        return 1
    temporary = page.with_suffix(".md.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(page)
    return 0
