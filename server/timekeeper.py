"""The server's own clockwork: lessons open and end on time, what is over is swept away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from server.accounts.one_time_keys import sweep_keys
from server.database.deletion import DAY_S
from server.recordings.imported import take_in_imported
from server.schools.places import sweep_credentials
from server.services import DELETION, Services

TICK_S = 2.0  # a lesson opens at most this late
SWEEP_EVERY_S = 3600.0
IMPORTS_EVERY_S = 30.0  # a walk over a county's recordings takes a tenth of a second of a thread

Sleep = Callable[[float], Awaitable[None]]

_log = structlog.get_logger("tongke.timekeeper")


class Timekeeper:
    """A task that ticks until `stop()`."""

    def __init__(self, services: Services, *, sleep: Sleep = asyncio.sleep) -> None:
        self._services = services
        self._sleep = sleep
        self._swept_at = self._imports_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._task = asyncio.create_task(self.run(), name="timekeeper")

    async def stop(self) -> None:
        """Stop ticking; a tick in progress is cut short (its transaction is undone)."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def tick(self) -> None:
        """What is due now."""
        services, now = self._services, self._services.clock()
        await services.lessons.keep_time()
        if now - self._imports_at >= IMPORTS_EVERY_S:
            self._imports_at = now
            await take_in_imported(
                services.database, services.settings.recordings, services.store, services.clock
            )
        if now - self._swept_at >= SWEEP_EVERY_S:
            self._swept_at = now
            await self._sweep(now)

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            try:
                await self.tick()
            except Exception:  # a full disk must not stop the clock: the next tick tries again
                _log.exception("tick failed")
            await self._sleep(TICK_S)

    async def _sweep(self, now: float) -> None:
        services = self._services
        await services.sign_ins.sweep(now)
        await services.retirement.carry_out(now)  # before the purge: what cannot be read is kept
        kept_s = services.settings.deleted_kept_days * DAY_S
        async with services.database.write() as session:
            await sweep_keys(session, now)
            gone = await DELETION.purge(session, deleted_before=now - kept_s)
            await sweep_credentials(session, revoked_before=now - kept_s)
        for recording_id in gone["recordings"]:
            await services.store.remove(recording_id)
        for lesson_id in gone["lessons"]:
            await asyncio.to_thread(services.event_log.remove, lesson_id)
        await services.store.sweep(now)
        await services.lesson_files.sweep(now)  # last: it forgets nothing that is not done
