"""A process for one question: it answers, or meets a limit and is gone; the server goes on."""

from __future__ import annotations

import os
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


async def test_a_module_that_fails_gives_no_answer() -> None:
    with pytest.raises(ChildFailed, match="ended with 1"):
        await ask_once("server.no_such_module")
