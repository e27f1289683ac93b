"""`tongke simulate` on the command line: its options are documented, wrong ones are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from server.demo.cli import demo
from server.simulate.cli import simulate

DOCS = Path(__file__).parents[3] / "docs" / "simulate.md"
HIDDEN = {"--stop-with-parent", "--help"}


def options_of(command: object) -> set[str]:
    app = typer.Typer(add_completion=False)
    app.command()(command)  # type: ignore[type-var]  # a plain function is what typer takes
    parameters = typer.main.get_command(app).params
    return {
        name
        for parameter in parameters
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }


@pytest.mark.parametrize(
    ("heading", "command"), [("`tongke demo`", demo), ("`tongke simulate`", simulate)]
)
def test_every_option_is_documented(heading: str, command: object) -> None:
    section = DOCS.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(--[a-z-]+)`", row)}
    known = options_of(command) - HIDDEN
    assert documented <= known
    # Of a pair like --rooms and --no-rooms, the one that changes something is enough.
    pairs = {name.replace("--no-", "--") for name in documented}
    assert {name.replace("--no-", "--") for name in known} == pairs


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer(add_completion=False)
    app.command()(simulate)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--server", "http://127.0.0.1:9"), "give --credential or --token"),
        (("--server", "127.0.0.1:9", "--token", "t"), "write http://host:port"),
        (("--server", "ftp://127.0.0.1", "--token", "t"), "is no server address"),
        (("--server", "http://127.0.0.1:9", "--token", "t", "--video", "none.mp4"), "cannot be"),
        (("--server", "http://127.0.0.1:9", "--credentials-file", "none.txt"), "No such file"),
        (("--server", "http://127.0.0.1:9", "--token", "t", "--seats", "501"), "500"),
        (("--server", "http://127.0.0.1:9", "--token", "t", "--talk", "loudly"), "loudly"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(arguments: tuple[str, ...], told: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert told in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lessons", "1"),
        ("--lessons", "1", "--token", "t"),
        ("--lessons", "200", "--administrator", "a"),
        ("--lessons", "1", "--administrator", "a"),
        ("--token", "t", "--seats", "2"),
        ("--token", "t", "--seats", "500"),
        ("--credentials-file", "none.txt"),
        (),
    ],
)
def test_what_is_refused_is_said_in_chinese(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    code, output = run("--server", "http://127.0.0.1:9", *arguments)
    assert code == 2
    assert len(re.findall("[\u4e00-\u9fff]", output)) >= 4, output
