"""One process for one question: it is given bytes, answers bytes, and is gone.

For what reads files that strangers made. The kernel limits its memory, its processor time and what
it writes (`bounded`), this side how long is waited. What it is given and what it answers are files
in memory: neither side waits for the other, and nothing is left on a disk. A child that lives and
speaks is `child`'s.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from dataclasses import dataclass

import structlog

from server.children.child import ended
from server.errors import ServerError

_log = structlog.get_logger("tongke.children")


class ChildFailed(ServerError):
    """It gave no answer: it met a limit, or ended with a fault. The log says which."""


class ChildLate(ChildFailed):
    """It had not done in time what it may use more processor for: the machine is busy."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may cost."""

    memory_bytes: int = 512 << 20
    processor_s: int = 10
    output_bytes: int = 16 << 20
    wait_s: float = 20.0


USUAL = Limits()
_MOST_COMPLAINED = 1000  # bytes: the end of a traceback


async def ask_once(module: str, given: bytes = b"", *, limits: Limits = USUAL) -> bytes:
    """What `module`'s `main` writes when it is given these bytes.

    Raises `ChildFailed`, `ChildLate` among it.
    """
    with (
        _memory_file("given") as question,
        _memory_file("answer") as answer,
        _memory_file("complaints") as complaints,
    ):
        question.write(given)
        question.seek(0)
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own module; a millisecond or two
            [
                sys.executable,
                "-m",
                "server.children.bounded",
                module,
                str(limits.memory_bytes),
                str(limits.processor_s),
                str(limits.output_bytes),
                str(os.getpid()),
            ],
            stdin=question,
            stdout=answer,
            stderr=complaints,
        )
        try:
            async with asyncio.timeout(limits.wait_s):
                await ended(process)
        except TimeoutError:
            _log.warning("a child took too long and is killed", module=module)
            raise ChildLate(f"{module} took longer than {limits.wait_s:.0f} s") from None
        finally:
            if process.poll() is None:
                process.kill()
            status = process.wait()
        if status != 0:
            complaints.seek(0)
            why = complaints.read()[-_MOST_COMPLAINED:].decode(errors="replace")
            _log.warning("a child gave no answer", module=module, status=status, why=why)
            raise ChildFailed(f"{module} ended with {status}")
        if os.fstat(answer.fileno()).st_size > limits.output_bytes:  # no kernel kept the limit
            _log.warning("a child answered too much", module=module)
            raise ChildFailed(f"{module} wrote more than {limits.output_bytes} bytes")
        answer.seek(0)
        return answer.read()


def _memory_file(name: str) -> io.FileIO:
    return io.FileIO(os.memfd_create(name), "r+b")
