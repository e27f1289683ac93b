"""The pump's C core and its parsers under AddressSanitizer and UndefinedBehaviorSanitizer.

The invariants stand at the top of `harness.c` and `parsers.c`. See `tests.fuzz.rounds` for longer
runs and other ones.
"""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.fuzz.pump.conftest import Build
from tests.fuzz.rounds import SEED, rounds

DATAGRAMS = rounds(100_000)
INPUTS = rounds(100_000)


def told(*command: object) -> str:
    """What a harness prints at its end; fails with what a sanitizer said instead."""
    run = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env={"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=0"},
    )
    assert run.returncode == 0, f"{command}: {run.stderr}"
    return run.stdout


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hostile_datagrams_and_calls_in_any_order(build: Build, seed: int) -> None:
    counts = re.fullmatch(
        r"(\d+) datagrams, (\d+) forwarded, (\d+) retransmitted, (\d+) asked for, "
        r"(\d+) readings\n",
        told(build("harness.c"), SEED + seed, DATAGRAMS),
    )
    assert counts
    received, forwarded, retransmitted, asked, readings = map(int, counts.groups())
    assert received == DATAGRAMS
    assert readings > DATAGRAMS // 20_000
    assert min(forwarded, retransmitted, asked) > DATAGRAMS // 10_000  # it got past the door


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("parser", ["rtp", "rtcp", "feedback", "vp8", "h264", "sets"])
def test_hostile_bytes_at_one_parser(build: Build, parser: str) -> None:
    counts = re.fullmatch(
        r"(\d+) taken, (\d+) refused\n", told(build("parsers.c"), parser, SEED + 1, INPUTS)
    )
    assert counts
    taken, refused = map(int, counts.groups())
    assert taken + refused == INPUTS
    assert min(taken, refused) > INPUTS // 100, "one side of the parser is hardly reached"
