"""What must be written some time, in order: writes that wait while the database takes nothing.

A request that cannot be written is refused, and whoever asked asks again. What has *happened* (a
lesson is over, a recording can be played) cannot be refused: it is put here, and written as soon
as the database takes it. Whoever puts it sees to it that until then everything behaves as if it
were written, and that it is put again when this process ends before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.engine import Database
from server.database.refusing import DatabaseRefused
from server.errors import ServerError

# Another process's lock is gone in seconds, a full disk in minutes: nobody waits for us long.
RETRY_S = (0.25, 0.5, 1.0, 2.0)
WAIT_S = 1.0

# Some are put for each lesson and recording. Of so many the first are from weeks ago.
MOST = 10_000

Write = Callable[[AsyncSession], Awaitable[None]]

_log = structlog.get_logger("tongke.pending_writes")


@dataclass(frozen=True, slots=True)
class _Entry:
    what: str
    write: Write
    done: asyncio.Future[bool]


class NeverWritten(ServerError):
    """A write was given up: it failed by itself, or the server stops."""


class PendingWrites:
    """Call `close` before the database is closed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entries: deque[_Entry] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.refusal: DatabaseRefused | None = None
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many writes are still to be made."""
        return len(self._entries)

    def put(self, what: str, write: Write) -> asyncio.Future[bool]:
        """Have `write(session)` done in a transaction of its own; `what` is for the log.

        The result is True when it is written, False when it never will be: the write itself
        failed (which is logged), there were too many, or the server stops.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if len(self._entries) >= MOST:
            self.dropped += 1
            _log.error("too much waits to be written", what=what)
            done.set_result(False)
            return done
        self._entries.append(_Entry(what, write, done))
        self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="pending writes")
        return done

    async def written(self, what: str, write: Write) -> None:
        """Put it and wait until it is written, however long. Raises `NeverWritten`."""
        if not await self.put(what, write):
            raise NeverWritten(what)

    async def close(self) -> None:
        """Try once more; what the database does not take now is given up."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        while self._entries and await self._write_first():
            continue
        for entry in self._entries:
            _log.error("never written", what=entry.what)
            if not entry.done.done():
                entry.done.set_result(False)
        self._entries.clear()

    async def _run(self) -> None:
        failures = 0
        while True:
            while self._entries:
                if await self._write_first():
                    failures = 0
                    continue
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
            self._news.clear()
            await self._news.wait()

    async def _write_first(self) -> bool:
        """Whether the first entry is dealt with; False: the database takes nothing now."""
        entry = self._entries[0]
        written = False
        try:
            async with self._database.write(wait_s=WAIT_S) as session:
                await entry.write(session)
            written = True
        except DatabaseRefused as refusal:
            if self.refusal is None:
                _log.error("waits for the database", what=entry.what, why=refusal.text.en)
            self.refusal = refusal
            return False
        except Exception:
            # It would fail for ever, and those behind it can do nothing for it.
            _log.exception("cannot be written", what=entry.what)
        self.refusal = None
        self._entries.popleft()
        if not entry.done.done():
            entry.done.set_result(written)
        return True
