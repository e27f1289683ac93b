"""Runs one module of ours within limits that the kernel keeps: `server.children.once` starts it.

    python -m server.children.bounded MODULE MEMORY_BYTES PROCESSOR_S OUTPUT_BYTES PARENT

The limits stand before the module is read in, so they hold for whatever happens in it. It reads
standard input, writes standard output (`given`, `answer`), and yields to everything else on the
machine. It ends with its parent, the process of this id, also when that was gone before it began.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NICER = 5


def main(arguments: list[str]) -> None:
    """Set the limits, then run the module's `main`."""
    module, memory_bytes, processor_s, output_bytes, parent = arguments
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Killed while this began: no signal comes of it any more.
    if os.getppid() != int(parent):
        sys.exit(f"process {parent} is gone")
    os.nice(_NICER)
    for limit, most in (
        (resource.RLIMIT_AS, int(memory_bytes)),
        (resource.RLIMIT_CPU, int(processor_s)),
        (resource.RLIMIT_FSIZE, int(output_bytes)),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    importlib.import_module(module).main()


def given() -> bytes:
    """What the module was given, the whole of it."""
    with open(0, "rb", closefd=False) as question:
        return question.read()


def answer(data: bytes) -> None:
    """Answer with this, the whole of it: `sys.stdout` may be unbuffered, and write a part."""
    with open(1, "wb", closefd=False) as told:
        told.write(data)


if __name__ == "__main__":
    main(sys.argv[1:])
