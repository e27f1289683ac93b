"""Who was put out of a live lesson and is let in no more, whether it is in memory or not.

Signaling keeps bars with the lesson's state. After a restart a lesson is in memory only once
somebody has joined it; until then what it saved last says who may not.

A removal is answered when it is kept. While the database takes nothing, that is in a file whose
room is taken beforehand (`SpareFile`), and whatever is loaded of the lesson has those bars: a
server that is killed meanwhile knows them at its next start, and writes them when it can.

Whether the lesson is recorded goes the same way, with the bars: what was switched off stays off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.clock import Clock
from server.database.engine import Database
from server.database.models import Lesson, LessonPhase, LessonSnapshot
from server.database.pending_writes import PendingWrites
from server.database.spare_file import SpareFile
from server.lessons.live import LiveLessons
from signaling.errors import StateUnreadable
from signaling.lesson import Bar, bars_in, only_bars, with_bars

_INFO = "tongke_bars"
_log = structlog.get_logger("tongke.lessons")


@dataclass(frozen=True, slots=True)
class LessonBars:
    """All bars of a lesson, as they have been since `at`: what `only_bars` gives."""

    lesson_id: str
    at: float
    state: str


class UnwrittenBars:
    """Those that the database does not have yet; of each lesson the newest."""

    def __init__(
        self, database: Database, pending_writes: PendingWrites, spare: SpareFile, *, clock: Clock
    ) -> None:
        self._pending_writes = pending_writes
        self._spare = spare
        self._clock = clock
        self._saving = asyncio.Lock()
        self._unwritten: dict[str, LessonBars] = {}
        self._in_file = False
        self._tasks: set[asyncio.Task[None]] = set()
        database.info[_INFO] = self._unwritten

    async def take_up(self) -> None:
        """Take up what an earlier server left unwritten, before any lesson is asked for."""
        for record in await asyncio.to_thread(self._spare.load):
            self._in_file = True
            try:
                found = LessonBars(
                    str(record["lesson_id"]), float(str(record["at"])), str(record["state"])
                )
                bars_in(found.state)
            except (KeyError, ValueError, StateUnreadable):
                _log.error("bars of a lesson cannot be read", record=record)
                continue
            self._unwritten[found.lesson_id] = found
            self._write(found)

    def add(self, lesson_id: str, state: str) -> None:
        """These bars of a lesson's state are in force from now on."""
        self._unwritten[lesson_id] = LessonBars(lesson_id, self._clock(), only_bars(state))

    async def keep(self) -> None:
        """The database takes nothing: when this returns they are in the file."""
        async with self._saving:
            records = [asdict(each) for each in self._unwritten.values()]
            try:
                kept = await asyncio.to_thread(self._spare.save, records)
            except OSError as error:
                _log.error("bars are kept in memory alone", lessons=len(records), why=str(error))
                return
            self._in_file = kept > 0
            if kept < len(records):
                _log.error("bars are kept in memory alone", lessons=len(records) - kept)

    async def saved(self, lesson_id: str, state: str) -> None:
        """The database has this state of a lesson. (One that hung may be older than the bars.)"""
        unwritten = self._unwritten.get(lesson_id)
        if unwritten is not None and unwritten.state == only_bars(state):
            await self.written(lesson_id)

    async def written(self, lesson_id: str) -> None:
        """The database has the lesson's newest bars, or knows that it is over."""
        if self._unwritten.pop(lesson_id, None) is not None and self._in_file:
            await self.keep()

    async def close(self) -> None:
        """Call it when the pending writes are closed."""
        await asyncio.gather(*self._tasks)

    def _write(self, found: LessonBars) -> None:
        async def write(session: AsyncSession) -> None:
            if self._unwritten.get(found.lesson_id) is not found:  # newer ones are on their way
                return
            lesson = await session.get(Lesson, found.lesson_id)
            if lesson is None or lesson.state is not LessonPhase.LIVE:
                return
            state = await saved_state(session, found.lesson_id)
            await session.merge(
                LessonSnapshot(lesson_id=found.lesson_id, state=state, saved_at=self._clock())
            )

        async def end(done: asyncio.Future[bool]) -> None:
            if await done and self._unwritten.get(found.lesson_id) is found:
                await self.written(found.lesson_id)

        done = self._pending_writes.put(f"the bars of lesson {found.lesson_id}", write)
        task = asyncio.create_task(end(done), name=f"bars-{found.lesson_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def saved_state(session: AsyncSession, lesson_id: str) -> str | None:
    """What signaling saved last of a lesson, with the bars that could not be written since."""
    saved = await session.get(LessonSnapshot, lesson_id)
    unwritten: dict[str, LessonBars] = session.info.get(_INFO, {})
    newer = unwritten.get(lesson_id)
    # The file is cleaned after the database has a newer state: a kill may come between.
    if newer is None or (saved is not None and saved.saved_at > newer.at):
        return None if saved is None else saved.state
    if saved is None:
        return newer.state
    try:
        return with_bars(saved.state, newer.state)
    except StateUnreadable:  # whatever else is lost, they are not let in
        return newer.state


async def bars_of(session: AsyncSession, live: LiveLessons, lesson_id: str) -> Mapping[str, Bar]:
    """The bars of a lesson by their bearers."""
    bars = live.bars_of(lesson_id)
    if bars is not None:
        return bars
    state = await saved_state(session, lesson_id)
    if state is None:
        return {}
    try:
        return bars_in(state)
    except StateUnreadable:  # signaling says so when it opens the lesson, which begins anew
        return {}
