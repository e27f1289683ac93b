"""The pump's C core under AddressSanitizer and UndefinedBehaviorSanitizer; see `harness.c`.

`TONGKE_FUZZ_DATAGRAMS` makes the run longer (`make fuzz`), `TONGKE_FUZZ_SEED` another one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "mixer" / "pump" / "native"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
DATAGRAMS = int(os.environ.get("TONGKE_FUZZ_DATAGRAMS", "200000"))
SEED = int(os.environ.get("TONGKE_FUZZ_SEED", "1"))


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc")
    assert compiler, "gcc is needed to build the pump, and to fuzz it"
    binary = tmp_path_factory.mktemp("fuzz") / "harness"
    sources = [str(HERE / "harness.c"), *map(str, sorted(NATIVE.glob("*.c")))]
    subprocess.run(
        [
            compiler,
            "-std=gnu11",
            "-D_GNU_SOURCE",
            *SANITIZERS,
            f"-I{NATIVE}",
            "-o",
            str(binary),
            *sources,
            "-pthread",
        ],
        check=True,
    )
    return binary


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_hostile_datagrams_and_calls_in_any_order(harness: Path, seed: int) -> None:
    run = subprocess.run(
        [str(harness), str(seed), str(DATAGRAMS)],
        capture_output=True,
        text=True,
        check=False,
        env={"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=0"},
    )
    assert run.returncode == 0, run.stderr
    counts = re.fullmatch(
        r"(\d+) datagrams, (\d+) forwarded, (\d+) retransmitted, (\d+) asked for\n", run.stdout
    )
    assert counts
    received, forwarded, retransmitted, asked = map(int, counts.groups())
    assert received == DATAGRAMS
    assert min(forwarded, retransmitted, asked) > DATAGRAMS // 10_000  # it got past the door
