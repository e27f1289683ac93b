"""The server's own clockwork: lessons open and end on time, what is over is swept away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import select

from server.accounts.one_time_keys import sweep_keys
from server.database.deletion import DAY_S
from server.database.models import Lesson
from server.recordings.imported import take_in_imported
from server.schools.places import sweep_credentials
from server.services import DELETION, Services

TICK_S = 2.0  # a lesson opens at most this late
SWEEP_EVERY_S = 3600.0
IMPORTS_EVERY_S = 30.0  # a walk over a county's recordings takes a tenth of a second of a thread
# A clock that was wrong when the machine began is set right within minutes by what keeps it; one
# that jumps ahead while the server runs was set by a person, who has a day to see that it is wrong.
AFTER_START_S = 600.0
AFTER_JUMP_S = 86_400.0
JUMP_S = 3600.0  # so far ahead no clock is set that was kept right

Sleep = Callable[[float], Awaitable[None]]

_log = structlog.get_logger("tongke.timekeeper")


def _since_the_machine_began() -> float:
    """In seconds; those in which it slept are counted, or each night of a PC would be a jump."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClockJumps:
    """Whether the wall clock may be believed: it was not set far ahead a short time ago."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None  # by the wall, by the machine's own count
        self._ahead_s = 0.0  # by how much it was set in all since it could last be believed
        self._held_until = float("-inf")

    def note(self, now: float, monotonic: float) -> None:
        """So late it is; `monotonic` counts seconds and is never set."""
        before, self._last = self._last, (now, monotonic)
        if before is None:
            return
        set_by = (now - before[0]) - (monotonic - before[1])
        if set_by >= JUMP_S:
            self._ahead_s += set_by
            self.hold_until(monotonic + AFTER_JUMP_S)
            _log.warning("the clock was set ahead: nothing is removed for a day", by_s=set_by)
        elif set_by <= -JUMP_S and self._ahead_s:
            self._ahead_s = max(0.0, self._ahead_s + set_by)
            if self._ahead_s < JUMP_S:
                self._ahead_s, self._held_until = 0.0, monotonic

    def hold_until(self, monotonic: float) -> None:
        """It may not be believed before."""
        self._held_until = max(self._held_until, monotonic)

    def trusted(self, monotonic: float) -> bool:
        """Whether what it says may cost somebody something."""
        if monotonic < self._held_until:
            return False
        self._ahead_s = 0.0
        return True


class Timekeeper:
    """A task that ticks until `stop()`."""

    def __init__(
        self,
        services: Services,
        *,
        sleep: Sleep = asyncio.sleep,
        monotonic: Callable[[], float] = _since_the_machine_began,
    ) -> None:
        self._services = services
        self._sleep = sleep
        self._monotonic = monotonic
        self._swept_at = self._imports_at = 0.0
        self._jumps = ClockJumps()
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
        self._jumps.note(now, self._monotonic())
        await services.lessons.keep_time()
        # Where the clock was set back, both would else wait until it is as late again.
        if not 0 <= now - self._imports_at < IMPORTS_EVERY_S:
            self._imports_at = now
            await take_in_imported(
                services.database, services.settings.recordings, services.store, services.clock
            )
        if not 0 <= now - self._swept_at < SWEEP_EVERY_S:
            self._swept_at = now
            await self._sweep(now)

    async def run(self) -> None:
        """Tick for ever."""
        self._jumps.hold_until(self._monotonic() + AFTER_START_S)
        while True:
            try:
                await self.tick()
            except Exception:  # a full disk must not stop the clock: the next tick tries again
                _log.exception("tick failed")
            await self._sleep(TICK_S)

    async def _sweep(self, now: float) -> None:
        services = self._services
        await services.sign_ins.sweep(now)
        await self._settle_logs()  # of a removal that was cut short: no clock is asked
        if self._jumps.trusted(self._monotonic()):
            await self._remove_for_good(now)
        await services.store.sweep(now)
        await services.lesson_files.sweep(now)  # last: it forgets nothing that is not done

    async def _remove_for_good(self, now: float) -> None:
        """Rules, and the end of what can be undone: only by a clock that nobody has just set."""
        services = self._services
        await services.retirement.carry_out(now)  # before the purge: what cannot be read is kept
        before = now - services.settings.deleted_kept_days * DAY_S
        async with services.database.read() as session:
            going = await DELETION.due(session, "lessons", deleted_before=before)
        await asyncio.to_thread(services.event_log.note_going, going)
        async with services.database.write() as session:
            await sweep_keys(session, now)
            gone = await DELETION.purge(session, deleted_before=before)
            await sweep_credentials(session, revoked_before=before)
        for recording_id in gone["recordings"]:
            await services.store.remove(recording_id)
        await self._settle_logs()

    async def _settle_logs(self) -> None:
        """Logs that were noted as going are gone, or stay, as their lessons are or do."""
        event_log = self._services.event_log
        going = await asyncio.to_thread(event_log.going)
        if not going:
            return
        async with self._services.database.read() as session:
            there = set(await session.scalars(select(Lesson.id).where(Lesson.id.in_(going))))
        for lesson_id in going:
            settle = event_log.keep if lesson_id in there else event_log.remove
            await asyncio.to_thread(settle, lesson_id)
