"""The TCP port under sanitizers: streams cut anywhere, peers that come, stall and go."""

from __future__ import annotations

import re

import pytest

from tests.fuzz.pump.conftest import Build
from tests.fuzz.pump.test_native_core import told
from tests.fuzz.rounds import SEED, rounds

ROUNDS = rounds(75_000)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2])
def test_streams_and_peers_in_any_order(build: Build, seed: int) -> None:
    counts = re.fullmatch(
        r"(\d+) connections, (\d+) frames delivered, (\d+) read, (\d+) dropped, (\d+) ended\n",
        told(build("tcp_harness.c"), SEED + seed, ROUNDS),
    )
    assert counts
    assert min(map(int, counts.groups())) > ROUNDS // 1000  # each way was gone
