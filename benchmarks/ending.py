"""Every way out of a benchmark: by a signal, by running too long, by itself.

Owns that a signal cancels the work, so that clients say goodbye and servers are stopped; that a
second signal ends at once; and that nothing waits for ever, not even in native code. What is left
to the kernel: servers end with us (`servers/bound.py`), and the network namespace with its last
process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import faulthandler
import os
import resource
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Saying goodbye to all peers and stopping a server takes some seconds; twice that is a hang.
GOODBYE_S = 30.0


class InterruptedBySignalError(Exception):
    """A signal ended the work; `code` is what the shell expects to be told."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"ended by {signal.Signals(signal_number).name}")
        self.code = 128 + signal_number


def no_core_files() -> None:
    """No crash from now on, ours or a child's, leaves a core file in somebody's folder."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def expect_within(seconds: float) -> None:
    """End the whole program, with every thread's stack, unless called again before.

    The last resort behind `asyncio.timeout`: it works too when the loop itself stands still.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


def expect_nothing() -> None:
    """Take back what `expect_within` said."""
    faulthandler.cancel_dump_traceback_later()


async def interruptible(work: Coroutine[Any, Any, Result]) -> Result:
    """Await the work; a signal cancels it and, after its goodbyes, is raised."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    received: list[int] = []

    def take(number: int) -> None:
        received.append(number)
        if len(received) > 1:
            os._exit(128 + number)  # somebody is in a hurry; the servers end with us
        expect_within(GOODBYE_S)
        task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, take, number)
    try:
        return await task
    except (asyncio.CancelledError, OSError):  # of a closed terminal, too
        if not received:
            raise
        raise InterruptedBySignalError(received[0]) from None
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        expect_nothing()


def run(work: Coroutine[Any, Any, int]) -> int:
    """The program's exit code; a signal's own when one came."""
    no_core_files()
    try:
        return asyncio.run(interruptible(work))
    except InterruptedBySignalError as error:
        with contextlib.suppress(OSError):
            print(f"\nThe benchmark was {error}; its servers are stopped.", file=sys.stderr)
        return error.code
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        # Nobody reads on: a pipe's or a terminal's other end is closed (`… | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
