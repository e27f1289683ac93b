"""What `make` says when a tool is lacking: both languages, and what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize(
    ("script", "arguments", "tools", "lacking"),
    [
        ("need-python.sh", ["no-such-python"], [], "Python 3.11"),
        (
            "need-python.sh",
            ["old"],
            [("old", "echo Python 3.9.2; exit 1")],
            "make PYTHON=python3.11",
        ),
        ("need-python.sh", ["new"], [("new", "exit 0")], "apt-get install gcc"),
        ("need-node.sh", [], [], "Node 20.19"),
        ("need-node.sh", [], [("node", "echo v18.20.4; exit 1"), ("npm", "exit 0")], "v18.20.4"),
    ],
)
def test_what_is_lacking_is_said_in_both_languages(
    tmp_path: Path,
    script: str,
    arguments: list[str],
    tools: list[tuple[str, str]],
    lacking: str,
) -> None:
    for name, does in tools:
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\n{does}\n")
        tool.chmod(0o755)
    said = subprocess.run(
        ["/bin/sh", SCRIPTS / script, *arguments],
        env={"PATH": str(tmp_path)},  # nothing but these tools is there
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    chinese, english = said.stderr.splitlines()
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert not re.search(r"[\u4e00-\u9fff]", english)
    assert lacking in chinese
    assert lacking in english
