"""The command's help and its refusals to start, in the language of the machine."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer._click.exceptions import NoSuchOption, UsageError

from server import command_words
from server.config import load_settings
from server.errors import StartRefused, Text
from server.wrong_options import told

ROOT = Path(__file__).parents[3]


# What is typed, and what is said of it in Chinese.
WRONG: dict[str, list[str]] = {
    "dem": [
        "用法：tongke [选项] 命令 [参数]…",
        "用法见 tongke --help。",
        "没有命令 dem。您是指 demo 吗？",
    ],
    "admin frob": ["用法：tongke admin [选项] 命令 [参数]…", "没有命令 frob。"],
    "serve --prot 1": [
        "用法见 tongke serve --help。",
        "没有选项 --prot。您是指 --host、--port 吗？",
    ],
    "serve --xyzzy": ["没有选项 --xyzzy。"],
    "serve --port": ["选项 --port 后面缺少值。"],
    "serve --port many": ["选项 --port 的值不对：须为整数。"],
    "serve --plain-http=3": ["选项 --plain-http 不带值。"],
    "serve here": ["多余的参数：here。"],
    "demo --port 70000": ["用法：tongke demo [选项]", "选项 --port 的值不对：不能大于 65535。"],
    "simulate": ["缺少选项 --server。"],
    "room": ["缺少选项 --server。"],
    "room --server x --credential-file y": ["缺少选项 --profile。"],
    "simulate --server x --talk loudly": [
        "“loudly”不是可选的值，请从中选一个：always、turns、floor、never。"
    ],
    "admin reset-key --username": ["选项 --username 后面缺少值。"],
}
HELPS: dict[str, list[str]] = {
    "--help": ["用法：tongke [选项] 命令 [参数]…", "运行服务器。", "命令", "显示本说明。"],
    "serve --help": ["用法：tongke serve [选项]", "运行服务器。", "选项", "<路径>", "<整数>"],
    "demo --help": ["[默认 7880]", "[默认 rooms]", "接着使用上次演示的数据。"],
    "backup --help": ["tongke backup [选项] {file}", "file      <路径>  要写的文件。"],
    "archive import --help": ["{exports}...", "exports...      <路径…>"],
    "simulate --help": ["[必填]", "<文字…>", "每行一个凭证的文件（“-”表示标准输入）。"],
    "admin": ["用法：tongke admin [选项] 命令 [参数]…", "以设置新密码。"],
}
REFUSED = "serve --port 99999"
ASK = """
import contextlib, io, json, sys
from server.cli import app
said = {}
for line in json.load(sys.stdin):
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            app(line.split(), prog_name="tongke")
        except SystemExit as left:
            out.seek(0)
            said[line] = [left.code, out.read()]
json.dump(said, sys.stdout)
"""


def ask(locale: str) -> dict[str, tuple[int, str]]:
    """The exit code and the words of each of these commands, as this locale's user sees them."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TONGKE_"))}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps([*WRONG, *HELPS, REFUSED]),
        env={**kept, "LC_ALL": locale, "COLUMNS": "200", "TERM": "dumb", "PYTHONUTF8": "1"},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def chinese() -> dict[str, tuple[int, str]]:
    return ask("zh_CN.UTF-8")


@pytest.fixture(scope="module")
def english() -> dict[str, tuple[int, str]]:
    return ask("en_US.UTF-8")


@pytest.mark.parametrize("line", [*WRONG, *HELPS])
def test_all_that_is_said_is_in_the_machines_language(
    line: str, chinese: dict[str, tuple[int, str]], english: dict[str, tuple[int, str]]
) -> None:
    code, told = chinese[line]
    assert code == english[line][0] == (2 if line in WRONG or line == "admin" else 0)
    assert [words for words in {**WRONG, **HELPS}[line] if words not in told] == []
    # Names stand alone; two English words together are a sentence.
    assert re.findall(r"[A-Za-z]{2,} [A-Za-z]{2,}", re.sub(r"tongke( [a-z-]+)*", "", told)) == []
    assert not re.search("[一-鿿]", english[line][1].replace("Tongke 同课", ""))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("serve --help", ["Usage: tongke serve [OPTIONS]", "─ Options ─", "<path>", "<int>"]),
        ("--help", ["Usage: tongke [OPTIONS] COMMAND [ARGS]...", "Show this message and exit."]),
        ("demo --help", ["[default: 7880]", "[default: rooms]"]),
        (
            "simulate",
            ["─ Error ─", "Missing option '--server'.", "Try 'tongke simulate --help' for help."],
        ),
        ("dem", ["No such command 'dem'. Did you mean 'demo'?"]),
        ("serve --prot 1", ["No such option: --prot (Possible options: --host, --port)"]),
        ("serve --port", ["Option '--port' requires an argument."]),
    ],
)
def test_english_is_left_as_typer_says_it(
    line: str, said: list[str], english: dict[str, tuple[int, str]]
) -> None:
    assert [words for words in said if words not in english[line][1]] == []


def test_a_refusal_to_start_is_in_the_machines_language(
    chinese: dict[str, tuple[int, str]], english: dict[str, tuple[int, str]]
) -> None:
    for said, begins in (
        (chinese, "设置 port（选项 --port）不对：不能大于 65535。"),
        (english, "The setting port (option --port) is wrong:"),
    ):
        code, line = said[REFUSED]
        assert code == 2
        assert line.count("\n") == 1
        assert line.startswith(f"tongke: {begins}")


def test_both_are_said_where_no_language_is_named() -> None:
    said = ask("C.UTF-8")
    assert {line: code for line, (code, _) in said.items()} == dict.fromkeys(WRONG, 2) | {
        **dict.fromkeys(HELPS, 0),
        "admin": 2,
        REFUSED: 2,
    }
    for line, words in {
        "demo --help": ["Usage: tongke demo [OPTIONS]", "─ 选项 Options ─", "[default: 7880]"],
        "serve --prot 1": ["没有选项 --prot。您是指", "No such option: --prot (Possible"],
        "simulate": ["─ 错误 Error ─", "缺少选项 --server。", "Missing option '--server'."],
    }.items():
        assert [each for each in words if each not in said[line][1]] == []


def test_both_languages_are_told() -> None:
    error = NoSuchOption("--prot")
    assert told(error) == Text("没有选项 --prot。", "No such option: --prot")


def test_what_is_not_known_in_chinese_is_said_in_english() -> None:
    error = UsageError("The moon is full.")
    assert told(error) == Text("The moon is full.", "The moon is full.")


def test_where_no_language_is_named_both_are_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdout", type("Utf8", (), {"encoding": "utf-8"}))
    assert command_words.words("tls_cert") == "证书（PEM）。 Certificate (PEM)."


def test_every_word_that_is_asked_for_is_in_the_catalogue() -> None:
    asked = set()
    for file in ("cli.py", "demo/cli.py", "simulate/cli.py", "spoken_help.py"):
        for node in ast.walk(ast.parse((ROOT / "server" / file).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("words", "one_word"):
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
