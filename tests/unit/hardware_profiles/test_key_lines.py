"""The line of every key in a TOML text, whatever way it is written."""

from __future__ import annotations

import tomllib

import pytest

from hardware_profiles.key_lines import Path, key_lines
from hardware_profiles.loader import SHIPPED_FOLDER

TEXT = '''\
# a comment with [brackets] and = signs
title = "a # no comment" # one
"quoted key" = 1
a.b.c = 2
lines = """
[not.a.table]
x = 3 \\"""
"""
literal = \'\'\'
y = '4'\'\'\'\'
[table]
list = [
  1, # one
  [2,
   3],
  { p = 5, q = [6] },
]
empty = {}
[[rows]]
v = 1
[[rows]]
v = 2979-05-27T07:32:00Z
[rows.inner]
w = true'''


def test_every_way_to_write_a_key() -> None:
    assert key_lines(TEXT) == {
        ("title",): 2,
        ("quoted key",): 3,
        ("a",): 4,
        ("a", "b"): 4,
        ("a", "b", "c"): 4,
        ("lines",): 5,
        ("literal",): 9,
        ("table",): 11,
        ("table", "list"): 12,
        ("table", "list", 0): 13,
        ("table", "list", 1): 14,
        ("table", "list", 1, 0): 14,
        ("table", "list", 1, 1): 15,
        ("table", "list", 2): 16,
        ("table", "list", 2, "p"): 16,
        ("table", "list", 2, "q"): 16,
        ("table", "list", 2, "q", 0): 16,
        ("table", "empty"): 18,
        ("rows",): 19,
        ("rows", 0): 19,
        ("rows", 0, "v"): 20,
        ("rows", 1): 21,
        ("rows", 1, "v"): 22,
        ("rows", 1, "inner"): 23,
        ("rows", 1, "inner", "w"): 24,
    }


def paths(value: object, at: Path = ()) -> set[Path]:
    found: set[Path] = set()
    if isinstance(value, dict):
        items: list[tuple[str | int, object]] = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in items:
        found |= {(*at, key)} | paths(inner, (*at, key))
    return found


@pytest.mark.parametrize("text", ["", "\n# only a comment", TEXT])
def test_the_paths_are_those_that_tomllib_reads(text: str) -> None:
    assert set(key_lines(text)) == paths(tomllib.loads(text))


def test_the_paths_of_every_shipped_profile() -> None:
    files = sorted(SHIPPED_FOLDER.glob("*/*.toml"))
    assert len(files) >= 10
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert set(key_lines(text)) == paths(tomllib.loads(text))
