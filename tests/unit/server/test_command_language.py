"""The command's help and its refusals to start, in the language of the machine."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server import command_words
from server.config import load_settings
from server.errors import StartRefused

ROOT = Path(__file__).parents[3]


def tongke(*arguments: str, locale: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as this locale's user sees it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TONGKE_"))}
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        env={**kept, "LC_ALL": locale, "COLUMNS": "200", "TERM": "dumb", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("locale", "said", "unsaid"),
    [
        ("zh_CN.UTF-8", ["运行服务器。", "选项", "显示本说明。"], ["Run the server", "Options"]),
        ("en_US.UTF-8", ["Run the server.", "Options", "Show this message"], ["运行", "选项"]),
    ],
)
def test_help_is_in_the_machines_language(locale: str, said: list[str], unsaid: list[str]) -> None:
    done = tongke("serve", "--help", locale=locale)
    assert done.returncode == 0, done.stderr
    assert [word for word in said if word not in done.stdout] == []
    assert [word for word in unsaid if word in done.stdout] == []


@pytest.mark.parametrize(
    ("locale", "lines"),
    [
        ("zh_CN.UTF-8", ["设置 port（选项 --port）不对：不能大于 65535。"]),
        ("en_GB.UTF-8", ["The setting port (option --port) is wrong:"]),
    ],
)
def test_a_refusal_to_start_is_in_the_machines_language(locale: str, lines: list[str]) -> None:
    done = tongke("serve", "--port", "99999", locale=locale)
    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert len(told) == len(lines), done.stderr
    for line, begins in zip(told, lines, strict=True):
        assert line.startswith(f"tongke: {begins}")


def test_where_no_language_is_named_both_are_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdout", type("Utf8", (), {"encoding": "utf-8"}))
    assert command_words.words("tls_cert") == "证书（PEM）。 Certificate (PEM)."


def test_every_word_that_is_asked_for_is_in_the_catalogue() -> None:
    asked = set()
    for file in ("server/cli.py", "server/demo/cli.py", "server/spoken_help.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "words":
                asked |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    assert len(asked) > 15
    assert asked <= set(command_words._WORDS)
    assert {"demo", "simulate"} <= set(command_words._WORDS)


@pytest.mark.parametrize(
    ("given", "zh"),
    [
        ({"port": 99999}, "设置 port（选项 --port）不对：不能大于 65535。"),
        ({"port": "many"}, "须为整数"),
        ({"log_level": "loud"}, "须为其中之一"),
        ({"advertised": "here"}, "“here”不是 IP 地址"),
        ({"public_url": "tongke"}, "应像 https://"),
        ({"tls_cert": "a.pem"}, "设置互相矛盾：tls_cert 和 tls_key 须同时给出，或都不给。"),
        ({"prot": 1}, "没有名为 prot 的设置（选项 --prot）。您是指 port 吗？"),
    ],
)
def test_wrong_settings_are_told_in_chinese_too(given: dict[str, Any], zh: str) -> None:
    with pytest.raises(StartRefused) as refused:
        load_settings(**given)
    assert zh in refused.value.text.zh
    assert refused.value.text.en == str(refused.value)


def test_every_refusal_to_start_is_in_chinese() -> None:
    """What is told when the server does not start has two texts, wherever that is."""
    found = 0
    for file in sorted((ROOT / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "StartRefused":
                found += 1
                assert len(node.args) == 2, f"{file}:{node.lineno}"
    assert found > 25
