"""The harnesses, built with the core of the pump under Address- and UndefinedBehaviorSanitizer.

They are built apart from the extension, which stays as it is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NATIVE = HERE.parents[2] / "mixer" / "pump" / "native"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]

Build = Callable[[str], Path]


def compiled(*arguments: object, folder: Path) -> None:
    compiler = shutil.which("gcc")
    assert compiler, "gcc is needed to build the pump, and to fuzz it"
    options = ["-std=gnu11", "-D_GNU_SOURCE", *SANITIZERS, f"-I{NATIVE}"]
    subprocess.run([compiler, *options, *map(str, arguments)], check=True, cwd=folder)


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The core's objects, compiled once for all harnesses, whichever process runs them."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers
    folder /= "fuzzed-core"
    folder.mkdir(exist_ok=True)
    done = folder / "done"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            compiled("-c", *NATIVE.glob("*.c"), folder=folder)
            done.touch()
    return sorted(folder.glob("*.o"))


@pytest.fixture(scope="module")
def build(core: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Gives the binary of a harness, built at the first call."""
    folder = tmp_path_factory.mktemp("fuzz")

    def built(source: str) -> Path:
        binary = folder / source.removesuffix(".c")
        if not binary.exists():
            compiled("-o", binary, HERE / source, *core, "-pthread", folder=folder)
        return binary

    return built
