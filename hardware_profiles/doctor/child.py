"""A child with a time of its own: what hangs or dies in it costs a finding, not the report."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress


async def answer_of(
    module: str,
    arguments: Sequence[str],
    given: bytes,
    *,
    within_s: float,
    begun: Callable[[], None] | None = None,
) -> bytes | None:
    """What `python -m module` writes; None where it fails, or is not done in time and is ended.

    `begun` is called when it has written its first line.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        async with asyncio.timeout(within_s):
            answer = await _answer(process, given, begun)
    except (TimeoutError, ConnectionError, ValueError):
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return answer if process.returncode == 0 else None


async def _answer(process: Process, given: bytes, begun: Callable[[], None] | None) -> bytes:
    if begun is None:
        answer, _ = await process.communicate(given)
        return answer
    assert process.stdin is not None and process.stdout is not None  # pipes
    process.stdin.write(given)
    process.stdin.close()
    first = await process.stdout.readline()
    begun()
    rest = await process.stdout.read()
    await process.wait()
    return first + rest
