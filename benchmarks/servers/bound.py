"""`python bound.py PARENT COMMAND …`: becomes the command, bound to the process that started it.

However the benchmark ends (killed, crashed, its terminal closed), the kernel then ends the server
too (PR_SET_PDEATHSIG, prctl(2)), and no crash of it leaves a core file behind.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def bound(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` bound to the calling process."""
    return [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), *command]


def main(parent: int, command: list[str]) -> None:
    """Bind, and become the command."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0):
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the benchmark has ended")  # before it could be bound to
    try:
        os.execvp(command[0], command)  # noqa: S606  # the caller's own command
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
