"""No sentence of the program suggests an option that no command takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from server.cli import app

PROJECT = Path(__file__).parents[3]
PARTS = ("server", "signaling", "mixer", "recorder", "hardware_profiles")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def options(command: Any) -> Iterator[str]:
    for option in command.params:
        yield from (*option.opts, *option.secondary_opts)
    for inner in getattr(command, "commands", {}).values():
        yield from options(inner)


def told() -> Iterator[tuple[str, str]]:
    """Every option that a text with Chinese beside it, or a fault's, has in it; and where."""
    for part in PARTS:
        for file in sorted((PROJECT / part).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                if node.func.id not in {"StartRefused", "Text", "WrongSetting", "NodeUnavailable"}:
                    continue
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                        for option in _OPTION.findall(inner.value):
                            yield option, f"{file.relative_to(PROJECT)}:{inner.lineno}"
                    # An option put together from a setting's name may be one or not.
                    if isinstance(inner, ast.JoinedStr):
                        for before, after in zip(inner.values, inner.values[1:], strict=False):
                            if isinstance(before, ast.Constant) and isinstance(
                                after, ast.FormattedValue
                            ):
                                made = str(before.value).endswith("--")
                                assert not made, f"{file.relative_to(PROJECT)}:{inner.lineno}"


def test_every_option_that_is_suggested_exists() -> None:
    known = {*options(typer.main.get_command(app)), "--help"}
    found = dict(told())
    assert "--public-url" in found  # it does look into them
    assert {option: where for option, where in found.items() if option not in known} == {}
