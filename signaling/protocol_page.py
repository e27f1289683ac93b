"""The tables of `docs/protocol.md`, generated from the code that obeys them.

Owns what stands in the page's generated parts (`signaling.protocol.generated_page`).
`python -m signaling.protocol_page` writes them, `--check` fails when one is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from signaling.lesson import rules
from signaling.log.entries import ENTRIES, Entry
from signaling.protocol.generated_page import run, table
from signaling.protocol.messages import CloseCode, Mode, Role
from signaling.protocol.refusals import REFUSALS
from signaling.protocol.typescript import comments_of

PAGE = Path(__file__).parent.parent / "docs" / "protocol.md"

_State = TypeVar("_State", bound=StrEnum)


def parts() -> dict[str, str]:
    """Every generated part by its name."""
    return {
        "lesson_states": state_diagram(rules.LESSON_TRANSITIONS),
        "device_states": state_diagram(rules.DEVICE_TRANSITIONS),
        "subscribe_states": state_diagram(rules.SUBSCRIBE_TRANSITIONS),
        "permissions": table(("request", "who", "in research also", "others"), _permissions()),
        "gates": table(("mode", "role", "sound goes out", "screen goes out"), _gates()),
        "close_codes": table(("code", "name", "why"), _close_codes()),
        "refusals": table(("code", "HTTP", "中文", "English"), _refusals()),
        "journal": table(("type", "fields", "when"), _journal()),
    }


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
    return run("signaling.protocol_page", parts(), PAGE, arguments)


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
