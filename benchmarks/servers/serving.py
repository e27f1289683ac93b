"""The child's side of `child.py`: one JSON call a line on standard input, one answer a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Protocol

LINE_BYTES = 1 << 20


class Served(Protocol):
    """What a process under test has to be able to do."""

    async def start(self) -> None:
        """Begin; an `OSError` or `ValueError` is told to the benchmark."""
        ...

    async def close(self) -> None:
        """End everything."""
        ...

    async def handle(self, call: dict[str, Any]) -> object:
        """Carry out one call of `ChildServer`; an exception of `refusals` is told."""
        ...


async def serve(served: Served, *refusals: type[Exception]) -> None:
    """Answer line by line until the input ends."""
    told: tuple[type[Exception], ...] = (ValueError, KeyError, OSError, *refusals)
    try:
        await served.start()
    except told as error:
        _say({"error": str(error)})
        return
    _say({"ready": True})
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            try:
                _say({"result": await served.handle(json.loads(line))})
            except told as error:
                _say({"error": f"{type(error).__name__}: {error}"})
    finally:
        await served.close()


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
