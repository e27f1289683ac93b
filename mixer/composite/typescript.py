"""The layouts as TypeScript: `web_client/src/lesson/layouts.ts`, generated.

`python -m mixer.composite.typescript` writes the file, `--check` fails when it is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mixer.composite.layouts import BOXES, CANVAS_HEIGHT, CANVAS_WIDTH, Box

TARGET = Path(__file__).parents[2] / "web_client" / "src" / "lesson" / "layouts.ts"

_HEADER = f"""\
// Generated from mixer/composite/layouts.py. Do not edit: `python -m mixer.composite.typescript`.

/** Left, top, width and height on a canvas of {CANVAS_WIDTH} × {CANVAS_HEIGHT}. */
export type Box = readonly [number, number, number, number];

/** For each layout, where one picture stands, where two stand, …: the large one first. */
export const LAYOUT_BOXES = {{
"""

_FOOTER = "} as const satisfies Record<string, readonly (readonly Box[])[]>;\n"


def generate() -> str:
    """The whole file."""
    lines = []
    for layout, shapes in BOXES.items():
        lines.append(f"  {json.dumps(layout)}: [")
        lines += [f"    [{', '.join(_box(box) for box in shape)}]," for shape in shapes]
        lines.append("  ],")
    return _HEADER + "\n".join(lines) + "\n" + _FOOTER


def _box(box: Box) -> str:
    return f"[{box.x}, {box.y}, {box.width}, {box.height}]"


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with `--check` compare it; the process's exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mixer.composite.typescript", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="fail when the file is stale")
    parser.add_argument("--target", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    target: Path = options.target
    text = generate()
    current = target.read_text(encoding="utf-8") if target.exists() else ""
    if current == text:
        return 0
    if options.check:
        sys.stderr.write(f"{target} is stale: run `python -m mixer.composite.typescript`\n")
        return 1
    temporary = target.with_suffix(".ts.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
