"""Every lesson's event log on disk, recorded or not: what facts and statistics are made from.

One file for each lesson in the data folder's `lesson_logs`, lines as in a recording's journal (JSON
with a CRC). It is only ever appended to, and synced after each batch: a kill costs what has
happened since the last batch was handed to the disk, some tens of milliseconds. A torn last line is
cut off before anything is appended. It outlives the recording and goes with its lesson: that it is
going is noted beside it before its lesson's row goes, so that whoever is killed between leaves
nothing that the next look does not finish (`server.timekeeper`).

Nothing here makes a lesson wait. While the disk refuses, entries are kept in order and written when
it takes them again; what does not fit is dropped and counted.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict

from recorder.journal import encode_line, read_journal
from recorder.recording_folder import sync_folder
from server.clock import Clock, wall_clock
from signaling.log.entries import LOG_VERSION, AnyEntry, as_members, parse_entries
from signaling.ports import LessonPlan
from signaling.protocol.messages import Mode, Role

_log = structlog.get_logger("tongke.event_log")

# More than a lesson has in a day: only a disk that takes nothing gets so far behind.
MAX_WAITING = 20_000
_GOING = ".going"
RETRY_S = 1.0  # a full disk: written soon after there is room again


class LoggedSeat(BaseModel):
    """A planned seat as it was called when the lesson opened."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seat_id: str
    role: Role
    name: str
    school: str


class LogOpened(BaseModel):
    """The first line of a log, and the first after each start of the server: which lesson this is.

    `at` is when the log was opened, `started_at` when the lesson is said to have begun.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str = "log_opened"
    version: int = LOG_VERSION
    at: float
    lesson_id: str
    title: str
    mode: Mode
    started_at: float
    seats: tuple[LoggedSeat, ...]


@dataclass(frozen=True, slots=True)
class LessonLog:
    """A log as read: its openings, its entries in order, and lines that could not be understood."""

    opened: tuple[LogOpened, ...]
    entries: tuple[AnyEntry, ...]
    unknown: int
    damaged: int


@dataclass(slots=True)
class _Open:
    """A lesson's file, and what waits to be written to it."""

    path: Path
    waiting: list[bytes] = field(default_factory=list)
    whole: bool = False  # its last line is known to be whole
    refused: bool = False  # by the disk, when last tried
    over: bool = False  # no more entries will come


class EventLog:
    """`signaling.ports.LessonObserver` that writes the logs. `close` it after signaling."""

    def __init__(self, folder: Path, *, clock: Clock = wall_clock) -> None:
        """`folder` is made when the first lesson opens."""
        self._folder = folder
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self.dropped = 0

    @property
    def refused(self) -> bool:
        """Whether the disk refused an open lesson's entries when it was last asked."""
        return any(lesson.refused for lesson in self._open.values())

    # --- signaling.ports.LessonObserver -------------------------------------------------------

    async def lesson_opened(self, plan: LessonPlan) -> None:
        """A lesson begins, or goes on after a restart."""
        opened = LogOpened(
            at=self._clock(),
            lesson_id=plan.lesson_id,
            title=plan.title,
            mode=plan.mode,
            started_at=plan.started_at,
            seats=tuple(
                LoggedSeat(seat_id=seat.seat_id, role=seat.role, name=seat.name, school=seat.school)
                for seat in plan.seats
            ),
        )
        self._open.setdefault(plan.lesson_id, _Open(log_path(self._folder, plan.lesson_id)))
        self._put(plan.lesson_id, opened.model_dump(mode="json"))

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        """An entry goes to the log."""
        self._put(lesson_id, as_members(entry))

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        """Said by an entry of its own."""

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        """Said by an entry of its own."""

    async def lesson_closed(self, lesson_id: str) -> None:
        """The lesson is over: its file is let go of as soon as all is written."""
        found = self._open.get(lesson_id)
        if found is not None:
            found.over = True
            self._wake()

    async def close(self) -> None:
        """Write what waits; what the disk does not take now is lost, and that is logged."""
        self._closing = True
        self._wake()
        if self._writer is not None:
            await self._writer

    # --- removal: called in threads -----------------------------------------------------------

    def note_going(self, lesson_ids: Iterable[str]) -> None:
        """Their lessons are about to go for good. Raises `OSError`; it is on the disk then."""
        noted = False
        for lesson_id in lesson_ids:
            if log_path(self._folder, lesson_id).exists():
                _note_path(self._folder, lesson_id).touch(mode=0o600)
                noted = True
        if noted:
            sync_folder(self._folder)

    def going(self) -> list[str]:
        """Lessons of which that is noted, and not yet done or taken back."""
        found = self._folder.glob(f".*{_GOING}") if self._folder.is_dir() else ()
        return sorted(path.name[1:].removesuffix(_GOING) for path in found)

    def remove(self, lesson_id: str) -> None:
        """Its lesson is gone for good, and the log with it; the note goes last."""
        if lesson_id not in self._open:
            log_path(self._folder, lesson_id).unlink(missing_ok=True)
            _note_path(self._folder, lesson_id).unlink(missing_ok=True)

    def keep(self, lesson_id: str) -> None:
        """Its lesson is there, and the log stays."""
        _note_path(self._folder, lesson_id).unlink(missing_ok=True)

    # --- writing ------------------------------------------------------------------------------

    def _put(self, lesson_id: str, members: dict[str, object]) -> None:
        found = self._open.get(lesson_id)
        if found is None:
            return
        if len(found.waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        found.waiting.append(encode_line(members))
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), name="event-log")

    async def _write_all(self) -> None:
        """Hand over what waits, lesson by lesson; while the disk syncs, the next batch gathers."""
        while True:
            self._news.clear()
            refused = False
            for lesson_id, lesson in list(self._open.items()):
                refused |= not await self._write(lesson_id, lesson)
            if self._closing:
                return
            if refused:
                await asyncio.sleep(RETRY_S)
            else:
                await self._news.wait()

    async def _write(self, lesson_id: str, lesson: _Open) -> bool:
        """Whether the disk has all of it now."""
        batch = lesson.waiting.copy()
        if batch:
            try:
                await asyncio.to_thread(
                    _append, lesson.path, b"".join(batch), mend=not lesson.whole
                )
            except OSError as error:
                lesson.whole = False  # part of the batch may stand there
                if not lesson.refused:
                    _log.error("a lesson's log cannot be written", lesson_id=lesson_id, error=error)
                lesson.refused = True
                return False
            lesson.whole, lesson.refused = True, False
            del lesson.waiting[: len(batch)]
        if lesson.over and not lesson.waiting:
            self._open.pop(lesson_id, None)
        return True


def log_path(folder: Path, lesson_id: str) -> Path:
    """Where the log of a lesson is kept."""
    return folder / f"{lesson_id}.jsonl"


def _note_path(folder: Path, lesson_id: str) -> Path:
    return folder / f".{lesson_id}{_GOING}"


def read_log(path: Path) -> LessonLog:
    """A lesson's log. Raises `OSError` when there is none or it cannot be read."""
    content = read_journal(path.read_bytes())
    opened = [record for record in content.records if record.get("type") == "log_opened"]
    others = [record for record in content.records if record.get("type") != "log_opened"]
    entries, unknown = parse_entries(others)
    return LessonLog(
        opened=tuple(LogOpened.model_validate(record) for record in opened),
        entries=tuple(entries),
        unknown=unknown,
        damaged=content.damaged_lines,
    )


def _append(path: Path, lines: bytes, *, mend: bool) -> None:
    """Append whole lines and sync them; with `mend` a torn end is cut off first.

    An error leaves the file as long as it was, so that the same lines can be given again.
    """
    made = not path.exists()
    if made:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if mend:
            os.ftruncate(handle, read_journal(path.read_bytes()).ended_bytes)
        before = os.fstat(handle).st_size
        try:
            while lines:
                lines = lines[os.write(handle, lines) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    if made:
        sync_folder(path.parent)
