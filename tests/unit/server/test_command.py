"""Ctrl-C while a command is still read in: the end, without a word."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.unit.server.test_serving import PATIENCE_S, environment

ROOT = Path(__file__).parents[3]

# Runs the command as its script does, and presses Ctrl-C as soon as a module is looked for.
PROGRAM = """
import importlib.metadata, os, signal, sys

class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == AT:
            os.kill(os.getpid(), signal.SIGINT)

ENTRY, AT = sys.argv[1:3]
sys.argv = ["tongke", *sys.argv[3:]]
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Presses())
importlib.metadata.EntryPoint("tongke", ENTRY, "console_scripts").load()()
"""


def interrupted(folder: Path, at: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["tongke"]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, script, at, *arguments],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("at", "arguments"),
    [
        ("typer", ["serve"]),
        ("server.serving", ["serve"]),
        ("server.simulate.cli", ["demo"]),
    ],
)
def test_it_ends_quietly(tmp_path: Path, at: str, arguments: list[str]) -> None:
    done = interrupted(tmp_path, at, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
