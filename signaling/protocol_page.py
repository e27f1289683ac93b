"""The tables of `docs/protocol.md`, generated from the code that obeys them.

Owns the page's generated parts, each between `<!-- generated: NAME -->` and `<!-- end -->`; the
prose around them is written by hand. `python -m signaling.protocol_page` writes them, `--check`
fails when one is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from signaling.lesson import rules
from signaling.log.entries import ENTRIES, Entry
from signaling.protocol.messages import CloseCode, Mode, Role
from signaling.protocol.refusals import REFUSALS
from signaling.protocol.typescript import comments_of

PAGE = Path(__file__).parent.parent / "docs" / "protocol.md"

_State = TypeVar("_State", bound=StrEnum)
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def parts() -> dict[str, str]:
    """Every generated part by its name."""
    return {
        "lesson_states": state_diagram(rules.LESSON_TRANSITIONS),
        "device_states": state_diagram(rules.DEVICE_TRANSITIONS),
        "subscribe_states": state_diagram(rules.SUBSCRIBE_TRANSITIONS),
        "permissions": _table(("request", "who", "in research also", "others"), _permissions()),
        "gates": _table(("mode", "role", "sound goes out", "screen goes out"), _gates()),
        "close_codes": _table(("code", "name", "why"), _close_codes()),
        "refusals": _table(("code", "HTTP", "中文", "English"), _refusals()),
        "journal": _table(("type", "fields", "when"), _journal()),
    }


def generate(page: str) -> str:
    """The page with all its generated parts as they should be."""
    known = parts()
    return _PART.sub(lambda part: f"{part[1]}{known[part[2]]}\n{part[3]}", page)


def state_diagram(transitions: Mapping[tuple[_State, str], _State]) -> str:
    """One table as a Mermaid state diagram, begun and ended where its lives begin and end."""
    states = list(type(next(iter(transitions.values()))))
    leaving = {state for state, _trigger in transitions}
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {states[0]}"]
    lines += [f"    {a} --> {b}: {trigger}" for (a, trigger), b in transitions.items()]
    lines += [f"    {state} --> [*]" for state in states if state not in leaving]
    return "\n".join([*lines, "```"])


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with `--check` compare it; the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m signaling.protocol_page", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is stale")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    page: Path = options.page
    current = page.read_text(encoding="utf-8")
    text = generate(current)
    if text == current:
        return 0
    if options.check:
        sys.stderr.write(f"{page} is stale: run `python -m signaling.protocol_page`\n")
        return 1
    temporary = page.with_suffix(".md.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(page)
    return 0


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _permissions() -> Iterable[tuple[str, ...]]:
    for message, permission in rules.PERMISSIONS.items():
        everybody = permission.roles == frozenset(Role)
        yield (
            f"`{message.model_fields['type'].default}`",
            _names(permission.roles),
            _names(permission.research),
            "" if everybody else f"`{permission.refusal}`",
        )


def _gates() -> Iterable[tuple[str, ...]]:
    for mode in Mode:
        for role in Role:
            yield mode, role, rules.SOUND[mode][role], rules.SCREEN[mode][role]


def _close_codes() -> Iterable[tuple[str, ...]]:
    comments = comments_of(CloseCode)
    for code in CloseCode:
        yield str(code.value), f"`{code.name}`", comments[code.name]


def _refusals() -> Iterable[tuple[str, ...]]:
    for code, text in REFUSALS.items():
        yield f"`{code}`", str(text.status), text.zh, text.en


def _journal() -> Iterable[tuple[str, ...]]:
    for kind, model in ENTRIES.items():
        fields = [f"`{field}`" for field in model.model_fields if field not in Entry.model_fields]
        yield f"`{kind}`", ", ".join(fields), " ".join((model.__doc__ or "").split())


def _names(roles: frozenset[Role]) -> str:
    return "all" if roles == frozenset(Role) else ", ".join(role for role in Role if role in roles)


if __name__ == "__main__":
    sys.exit(main())
