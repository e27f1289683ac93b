"""Signals while a command is still read in: Ctrl-C is the end, without a word; a reload is none."""

from __future__ import annotations

import signal
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
            for number in NUMBERS.split(","):
                os.kill(os.getpid(), int(number))

ENTRY, AT, NUMBERS = sys.argv[1:4]
sys.argv = ["tongke", *sys.argv[4:]]
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Presses())
importlib.metadata.EntryPoint("tongke", ENTRY, "console_scripts").load()()
"""


def interrupted(
    folder: Path, at: str, *arguments: str, by: tuple[signal.Signals, ...] = (signal.SIGINT,)
) -> subprocess.CompletedProcess[str]:
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["tongke"]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, script, at, ",".join(map(str, map(int, by))), *arguments],
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


@pytest.mark.parametrize("at", ["typer", "server.serving"])
def test_a_reload_during_the_start_is_no_end(tmp_path: Path, at: str) -> None:
    """`systemctl reload` right after a start; that it lived on is seen by its hearing Ctrl-C."""
    done = interrupted(tmp_path, at, "serve", by=(signal.SIGHUP, signal.SIGINT))
    assert (done.returncode, done.stderr) == (130, "")
