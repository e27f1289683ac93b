"""`docs/security.md` names a test for every shield; each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_test_on_the_page_exists() -> None:
    assert len(NAMED) > 40
    missing = [f"{file}::{name}" for file, name in NAMED if name not in functions_of(file)]
    assert not missing


def test_every_shield_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    bare = [row for row in rows if "::" not in row and "---" not in row and "shown by" not in row]
    assert not bare
