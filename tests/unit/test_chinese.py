"""What the server says in Chinese keeps to the signs of Chinese sentences, and to one word each.

The pages' own words are held by `web_client/tests/words.test.ts`.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("hardware_profiles", "server", "signaling")

HALF_WIDTH = re.compile(r"[一-鿿][(),:;!?]|[(),:;!?][一-鿿]|[一-鿿]\.(?!\w)|\.\.\.")
NOT_SAID = re.compile("席位|信号源|观察员|离线|资源库|资源列表|帐号|登陆")
UNDERSTOOD = {"columns.py"}  # headings of other people's tables, as they write them
HAN = re.compile("[一-鿿]")
ENGLISH = re.compile("[A-Za-z]+ [A-Za-z]+ [A-Za-z]+|} is ")  # the line says it in both languages
BRAND = "Tongke 同课"  # stands in English as well
PUT_IN = "某"


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a source's texts that have Chinese, with something where a value is put in."""
    source = file.read_text("utf-8")
    if not HAN.search(source):
        return
    tree = ast.parse(source)
    within = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    within |= {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings
    for node in ast.walk(tree):
        if id(node) in within:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else PUT_IN
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        for line in text.replace(BRAND, "").split("\n"):
            if HAN.search(line.replace(PUT_IN, "")) and not ENGLISH.search(line):
                yield node.lineno, line


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("没有这一项;请删去", True),
        ("没有这一项；请删去", False),
        ("现有:某", True),
        ("须为 true 或 false", False),
        ("课程(一)", True),
        ("服务器不认识 public_url。", False),
    ],
)
def test_half_width_signs_are_seen(text: str, wrong: bool) -> None:
    assert bool(HALF_WIDTH.search(text)) is wrong


def test_chinese_has_its_own_signs_and_one_word_for_a_thing() -> None:
    found, read = [], 0
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for line, text in texts(file) if file.name not in UNDERSTOOD else ():
                read += 1
                if HALF_WIDTH.search(text) or NOT_SAID.search(text):
                    found.append(f"{file.relative_to(ROOT)}:{line}: {text}")
    assert read > 200
    assert found == []


def test_the_profiles_that_people_choose_are_named_in_chinese_signs() -> None:
    said = [
        (file.stem, text)
        for file in sorted((ROOT / "hardware_profiles").rglob("*.toml"))
        for key, text in tomllib.loads(file.read_text("utf-8")).items()
        if key.endswith("_zh")
    ]
    assert len(said) > 15
    assert [one for one in said if HALF_WIDTH.search(one[1]) or NOT_SAID.search(one[1])] == []
