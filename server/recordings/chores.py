"""Steps that are done one after the other, in order, and that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

_log = structlog.get_logger("tongke.recording")

Chore = Coroutine[Any, Any, None]


class Chores:
    """`start` it, give it chores for `later`, `close` it. One that fails is told in the log."""

    def __init__(self, name: str) -> None:
        self._name = name
        # Not bounded by number: a chore is a step in the life of a recording, of which there are
        # a handful each.
        self._waiting: asyncio.Queue[Chore] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what waits."""
        self._task = asyncio.create_task(self._do(), name=self._name)

    def later(self, chore: Chore) -> None:
        """Do it after what waits already."""
        self._waiting.put_nowait(chore)

    async def done(self) -> None:
        """Until nothing waits."""
        await self._waiting.join()

    async def close(self) -> None:
        """Stop, whatever waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        while not self._waiting.empty():
            self._waiting.get_nowait().close()

    async def _do(self) -> None:
        while True:
            chore = await self._waiting.get()
            try:
                await chore
            except Exception:  # the steps behind it are other recordings' too
                _log.exception("a step of a recording failed")
            finally:
                self._waiting.task_done()
