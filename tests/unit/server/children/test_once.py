"""A process for one question: it answers, or meets a limit and is gone; the server goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.children.once import ChildFailed, ChildLate, Limits, ask_once

ASKED = "tests.unit.server.children.asked"
TIGHT = Limits(memory_bytes=128 << 20, processor_s=1, output_bytes=1000, wait_s=300.0)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def test_it_answers_and_leaves_nothing() -> None:
    given = bytes(range(256)) * 4000
    before, files = children(), open_files()
    assert await ask_once(ASKED, given) == given[::-1]
    assert children() == before
    assert open_files() == files


@pytest.mark.parametrize(
    ("word", "limits", "late"),
    [
        (b"eat", TIGHT, False),
        (b"spin", Limits(processor_s=1, wait_s=300), False),
        (b"sleep", Limits(wait_s=0.2), True),
        (b"write", TIGHT, False),
    ],
)
async def test_a_limit_that_is_met_ends_it(word: bytes, limits: Limits, late: bool) -> None:
    before = children()
    with pytest.raises(ChildFailed) as failed:
        await ask_once(ASKED, word, limits=limits)
    assert isinstance(failed.value, ChildLate) is late
    assert children() == before


def test_who_is_begun_by_a_process_that_is_gone_does_nothing(tmp_path: Path) -> None:
    """Killed between its beginning and its own first step: no signal of the kernel's tells it."""
    (tmp_path / "at_work.py").write_text("def main() -> None:\n    open('worked', 'w').close()\n")
    program = """
import os, subprocess, sys
given = ["-m", "server.children.bounded", "at_work", str(1 << 30), "10", "1000", str(os.getpid())]
subprocess.Popen([sys.executable, *given], cwd=sys.argv[1], stdin=subprocess.DEVNULL)
if sys.argv[2] == "stays":
    os.wait()
"""
    paths = os.pathsep.join((str(Path(__file__).parents[4]), str(tmp_path)))
    for what, works in (("goes", False), ("stays", True)):
        done = subprocess.run(  # until its child has closed what it says
            [sys.executable, "-c", program, tmp_path, what],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            check=True,
        )
        assert (tmp_path / "worked").exists() is works, done.stderr


async def test_a_module_that_fails_gives_no_answer() -> None:
    with pytest.raises(ChildFailed, match="ended with 1"):
        await ask_once("server.no_such_module")
