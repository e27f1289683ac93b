"""Telling the observers (recorder, statistics) what happens, without waiting for them.

Each observer has its own bounded queue and its own task, so a slow or broken one disturbs neither
the lesson nor the others. Order is kept; what does not fit is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from signaling.log.entries import AnyEntry
from signaling.ports import LessonObserver, LessonPlan

_log = structlog.get_logger(__name__)

# Many minutes of a busy lesson: only an observer that hangs gets so far behind.
MAX_WAITING = 4096
# How long the end of a lesson waits for the observers: closing a recording's files takes a second.
CLOSE_TIMEOUT_S = 10.0

_Call = Callable[[LessonObserver], Awaitable[None]]


class ObserverFeed:
    """All observers of one lesson; they are told at once that it is open (or goes on)."""

    def __init__(self, plan: LessonPlan, observers: Sequence[LessonObserver]) -> None:
        self._lesson_id = plan.lesson_id
        self._queues: list[asyncio.Queue[_Call | None]] = [
            asyncio.Queue(MAX_WAITING) for _observer in observers
        ]
        self._tasks = [
            asyncio.create_task(self._run(observer, queue), name=f"observe-{plan.lesson_id}")
            for observer, queue in zip(observers, self._queues, strict=True)
        ]
        self.dropped = 0
        self.failed = 0
        self._tell(lambda observer: observer.lesson_opened(plan))

    def happened(self, entry: AnyEntry) -> None:
        """One entry of the event log."""
        self._tell(lambda observer: observer.happened(self._lesson_id, entry))

    def producer_added(self, seat_id: str, source: str, producer_id: str) -> None:
        """A stream came."""
        self._tell(
            lambda observer: observer.producer_added(self._lesson_id, seat_id, source, producer_id)
        )

    def producer_removed(self, producer_id: str) -> None:
        """A stream is gone."""
        self._tell(lambda observer: observer.producer_removed(self._lesson_id, producer_id))

    async def close(self, *, ended: bool) -> None:
        """Let the observers hear all that waits, and with `ended` that the lesson is over."""
        if ended:
            self._tell(lambda observer: observer.lesson_closed(self._lesson_id))
        self._tell(None)
        if not self._tasks:
            return
        _done, late = await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT_S)
        for task in late:
            _log.error("observer too slow at the end of a lesson", lesson_id=self._lesson_id)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self, call: _Call | None) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(call)

    async def _run(self, observer: LessonObserver, queue: asyncio.Queue[_Call | None]) -> None:
        while (call := await queue.get()) is not None:
            try:
                await call(observer)
            except Exception:  # who looks on never disturbs the lesson
                self.failed += 1
                if self.failed.bit_count() == 1:  # 1, 2, 4, 8, …: one that fails fails often
                    _log.exception(
                        "an observer failed",
                        lesson_id=self._lesson_id,
                        observer=repr(observer),
                        times=self.failed,
                    )
