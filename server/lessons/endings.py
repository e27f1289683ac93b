"""How lessons ended, from the moment they did, whether the database can be written or not.

An ending is a pending write and in force at once: every `Lesson` and `Recording` that a
session of this database loads is as if the ending were written. So timetable, rooms, admission and
recorder need to know nothing of it, if only they ask the loaded row, not the query, whether a
lesson is live.

What is not written yet also stands in a file whose room is taken beforehand (`SpareFile`): a server
that is killed meanwhile, with the disk full, knows it at its next start.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy import delete, event, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from server.database.engine import Database
from server.database.models import Lesson, LessonPhase, LessonSnapshot, Recording, RecordingPhase
from server.database.pending_writes import PendingWrites
from server.database.spare_file import SpareFile
from server.recordings.library import mark_finishing

# A database that takes it answers within this; whoever ended the lesson does not wait longer.
WRITTEN_WITHIN_S = 1.0

# More endings, or bars, than a county's server has in the hour a full disk takes to be noticed.
SPARE_BYTES = 65_536

_INFO = "tongke_endings"
_log = structlog.get_logger("tongke.lessons")


@dataclass(frozen=True, slots=True)
class Ending:
    """A lesson's end."""

    lesson_id: str
    at: float
    reason: str


class Endings:
    """Those that the database does not have yet, in their order."""

    def __init__(self, database: Database, pending_writes: PendingWrites, spare: SpareFile) -> None:
        self._pending_writes = pending_writes
        self._spare = spare
        self._saving = asyncio.Lock()
        self._unwritten: dict[str, Ending] = {}
        self._kept: list[Ending] = []  # as the spare file has them
        self._tasks: set[asyncio.Task[None]] = set()
        database.info[_INFO] = self._unwritten

    async def take_up(self) -> None:
        """Take up what an earlier server left unwritten, before any lesson is asked for."""
        for record in await asyncio.to_thread(self._spare.load):
            try:
                found = Ending(
                    str(record["lesson_id"]), float(str(record["at"])), str(record["reason"])
                )
            except (KeyError, ValueError):
                _log.error("an ending cannot be read", record=record)
                continue
            self._kept.append(found)
            self._begin(found)

    async def add(self, ending: Ending) -> None:
        """The lesson is over. When this returns that is written, or kept until it can be."""
        if ending.lesson_id in self._unwritten:
            return
        refusing = self._pending_writes.refusal is not None
        task = self._begin(ending)
        await asyncio.wait({task}, timeout=0.0 if refusing else WRITTEN_WITHIN_S)
        if not task.done():
            await self._save()

    async def close(self) -> None:
        """Call it when the pending writes are closed."""
        await asyncio.gather(*self._tasks)
        if self._unwritten:
            await self._save()

    def _begin(self, ending: Ending) -> asyncio.Task[None]:
        self._unwritten[ending.lesson_id] = ending

        async def write(session: AsyncSession) -> None:
            await _write(session, ending)

        done = self._pending_writes.put(f"the end of lesson {ending.lesson_id}", write)
        task = asyncio.create_task(self._end(ending, done), name=f"ending-{ending.lesson_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end(self, ending: Ending, done: asyncio.Future[bool]) -> None:
        if await done:
            self._unwritten.pop(ending.lesson_id, None)
            if self._kept or self._saving.locked():
                await self._save()

    async def _save(self) -> None:
        async with self._saving:
            endings = list(self._unwritten.values())
            try:
                kept = await asyncio.to_thread(self._spare.save, [asdict(each) for each in endings])
            except OSError as error:
                _log.error("endings are kept in memory alone", lessons=len(endings), why=str(error))
                return
            self._kept = endings[:kept]
            if kept < len(endings):
                _log.error("endings are kept in memory alone", lessons=len(endings) - kept)


async def _write(session: AsyncSession, ending: Ending) -> None:
    """In one transaction; done again it changes nothing."""
    await session.execute(
        update(Lesson)
        .where(Lesson.id == ending.lesson_id, Lesson.state != LessonPhase.ENDED)
        .values(state=LessonPhase.ENDED, ended_at=ending.at, end_reason=ending.reason)
    )
    await mark_finishing(session, ending.lesson_id)
    await session.execute(
        delete(LessonSnapshot).where(LessonSnapshot.lesson_id == ending.lesson_id)
    )


# --- as if it were written ------------------------------------------------------------------------


def _ending_of(session: Session | None, lesson_id: str | None) -> Ending | None:
    if session is None or lesson_id is None:
        return None
    unwritten: dict[str, Ending] = session.info.get(_INFO, {})
    return unwritten.get(lesson_id)


@event.listens_for(Lesson, "load")
def _lesson_loaded(lesson: Lesson, context: Any) -> None:
    _end_lesson(lesson, context.session)


@event.listens_for(Lesson, "refresh")
def _lesson_refreshed(lesson: Lesson, context: Any, _names: object) -> None:
    _end_lesson(lesson, context.session)


@event.listens_for(Recording, "load")
def _recording_loaded(recording: Recording, context: Any) -> None:
    _end_recording(recording, context.session)


@event.listens_for(Recording, "refresh")
def _recording_refreshed(recording: Recording, context: Any, _names: object) -> None:
    _end_recording(recording, context.session)


def _end_lesson(lesson: Lesson, session: Session) -> None:
    ending = _ending_of(session, lesson.id)
    if ending is not None and lesson.state is not LessonPhase.ENDED:
        set_committed_value(lesson, "state", LessonPhase.ENDED)
        set_committed_value(lesson, "ended_at", ending.at)
        set_committed_value(lesson, "end_reason", ending.reason)


def _end_recording(recording: Recording, session: Session) -> None:
    ending = _ending_of(session, recording.lesson_id)
    if ending is not None and recording.state is RecordingPhase.RECORDING:
        set_committed_value(recording, "state", RecordingPhase.FINISHING)
