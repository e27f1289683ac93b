"""Nothing is allocated per packet: counted over a million, by the C library's own doors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults.attack import build

ROOT = Path(__file__).parents[2]
SIZED_BY_USE = 100  # the slabs of one history, the lines of fifty peers; seen: 70


def test_a_million_forwarded_packets_allocate_nothing(tmp_path: Path) -> None:
    counter = build("allocations.c", tmp_path, "-shared", "-fPIC")
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults.allocation_scene"],
        cwd=ROOT, env={**os.environ, "LD_PRELOAD": str(counter)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    stats = told["stats"]
    print(
        f"{stats['forwarded_packets']:,} forwarded and {stats['retransmitted_packets']:,} repeated "
        f"packets, {told['counted']} allocations (before: {told['warm_up']})"
    )
    assert stats["forwarded_packets"] >= 1_000_000
    assert stats["retransmitted_packets"] > 100
    assert told["warm_up"] > 0, "the pump's thread is not counted"
    # A history grows by slabs up to its limit while a stream's rate reaches a new height; on a busy
    # machine that may be later than the warm-up. The sum is what it is, whatever the packets are.
    assert told["warm_up"] + told["counted"] <= SIZED_BY_USE
