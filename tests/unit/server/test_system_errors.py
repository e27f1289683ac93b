"""The operating system's reasons are in the language of the sentence that they stand in."""

from __future__ import annotations

import ast
import errno
from pathlib import Path

import pytest

from server.system_errors import why

ROOT = Path(__file__).parents[3]
TELLING = ("server", "hardware_profiles")


def test_a_reason_is_told_in_both_languages() -> None:
    text = why(OSError(errno.ENOSPC, "No space left on device"))
    assert (text.zh, text.en) == ("磁盘已满", "No space left on device")


@pytest.mark.parametrize("error", [OSError(errno.EPROTO, "Protocol error"), OSError("odd")])
def test_a_rare_reason_is_left_as_the_system_says_it(error: OSError) -> None:
    text = why(error)
    assert text.zh == text.en == (error.strerror or "odd")


def test_no_chinese_sentence_holds_an_english_reason() -> None:
    """`strerror` put into Chinese: the reader was left without the reason."""
    found = []
    for file in sorted(file for name in TELLING for file in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            said = "".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))
            put_in = ast.unparse(node)
            if "strerror" in put_in and any("一" <= sign <= "鿿" for sign in said):
                found.append((file.name, said))
    assert found == []
