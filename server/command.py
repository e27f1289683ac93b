"""Where the command `tongke` begins, before anything is read in.

Reading in what a command needs takes seconds. Who presses Ctrl-C meanwhile has begun nothing yet:
the process ends at once, with the exit code that a shell has for it. An exception would end it in
the midst of some import, told as a traceback or taken there for a module that is missing. A command
that has something to end in order listens for the signal itself from then on
(`server.serving.heard_signals`).
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the command of this process's arguments; ends the process."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # what runs in the background
        signal.signal(signal.SIGINT, _end)
    if sys.argv[1:2] == ["serve"]:  # a reload is for a server; one that is not there yet lives on
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.argv[1:2] == ["room"]:
        from server.room_cli import alone  # noqa: PLC0415 - as below

        alone()
    from server.cli import app  # noqa: PLC0415 - this is what takes long

    app()


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
