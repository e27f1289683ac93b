"""Which lessons have a program: begun when somebody takes it, ended when nobody does any more.

Owns how many there may be at once. A lesson says in its log that its program is wanted
(`program_wanted`); a lesson for which there is no room is told so, and has the next that is free.
While nobody takes one nothing runs, and no lesson is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from mixer.composite.process.messages import Layer
from mixer.node import RuntimeFolder
from server.children.child import USUAL, Allowances
from server.children.compositor import compositor
from server.programs.layers import (
    FRAMES_PER_S,
    HEARTBEAT_S,
    PUT_OUT_HEARTBEAT_S,
    USUAL_LAYERS,
)
from server.programs.lesson_program import (
    CompositorProgram,
    LessonProgram,
    ProgramLessons,
    ProgramMedia,
)
from signaling.log.entries import AnyEntry, ProgramWanted
from signaling.ports import LessonPlan
from signaling.protocol.messages import ProgramStanding

_log = structlog.get_logger("tongke.programs")

# A page that is loaded anew lets its program go for a moment; a process takes longer to begin.
LINGERS_S = 10.0


@dataclass(frozen=True, slots=True)
class ProgramTotals:
    """Where programs stand, for the metrics."""

    running: int
    waiting: int  # lessons for whose program there is no room
    starts: int  # of processes, since the server began
    taps: int
    late_ticks: int
    dropped_datagrams: int


class ProgramService:
    """`signaling.ports.LessonObserver`. `start` it before signaling, `close` it after."""

    lessons: ProgramLessons

    def __init__(
        self,
        media: ProgramMedia,
        *,
        most: int,
        layers: tuple[Layer, ...] = USUAL_LAYERS,
        frames_per_s: int = FRAMES_PER_S,
        program: CompositorProgram | None = None,
        allowed: Allowances = USUAL,
        lingers_s: float = LINGERS_S,
        runtime_folder: Path | None = None,
    ) -> None:
        """At most so many at once. `lessons` is set before the first lesson is opened."""
        self._media = media
        self._layers = layers
        self._frames_per_s = frames_per_s
        self._most = most
        self._program = program or compositor()
        self._allowed = allowed
        self._lingers_s = lingers_s
        self._runtime_folder = runtime_folder
        self._own_folder: RuntimeFolder | None = None
        self._programs: dict[str, LessonProgram] = {}
        self._ending: dict[str, asyncio.TimerHandle] = {}  # lessons whose program nobody takes
        self._taken: set[str] = set()  # lessons of which a device takes it
        self._holders: dict[str, set[object]] = {}  # who else takes it, by lesson
        self._waiting: dict[str, None] = {}  # lessons without room, in their order
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._past_starts = 0

    @property
    def most_bitrate_bps(self) -> int:
        """What a program's largest picture may take."""
        return self._layers[-1].bitrate_bps

    @property
    def height(self) -> int:
        """Of a program's largest picture."""
        return self._layers[-1].height

    def program_of(self, lesson_id: str) -> LessonProgram | None:
        """The program of a lesson, if it has one now."""
        return self._programs.get(lesson_id)

    def hold(self, lesson_id: str, holder: object) -> None:
        """Somebody takes it who is no device of the lesson (`server.broadcasts`), until `release`.

        Nothing comes of it while the lesson is not in memory, or there is no room.
        """
        self._holders.setdefault(lesson_id, set()).add(holder)
        self._wanted(lesson_id)
        program = self._programs.get(lesson_id)
        if program is not None:
            program.set_heartbeat(PUT_OUT_HEARTBEAT_S)

    def release(self, lesson_id: str, holder: object) -> None:
        """It is taken no longer."""
        holders = self._holders.get(lesson_id, set())
        holders.discard(holder)
        if holders:
            return
        self._holders.pop(lesson_id, None)
        program = self._programs.get(lesson_id)
        if program is not None:
            program.set_heartbeat(HEARTBEAT_S)
        if lesson_id not in self._taken:
            self._let_go(lesson_id)

    def totals(self) -> ProgramTotals:
        """Where all programs stand now."""
        programs = self._programs.values()
        return ProgramTotals(
            running=len(programs),
            waiting=len(self._waiting),
            starts=self._past_starts + sum(one.starts for one in programs),
            taps=sum(one.taps for one in programs),
            late_ticks=sum(one.counters.late_ticks for one in programs),
            dropped_datagrams=sum(one.counters.dropped_datagrams for one in programs),
        )

    async def start(self) -> None:
        """Be ready; nothing is begun."""
        if self._runtime_folder is None:
            self._own_folder = RuntimeFolder()
            self._runtime_folder = self._own_folder.path

    async def close(self) -> None:
        """End all of them."""
        self._closed = True
        self._waiting.clear()
        for lesson_id in list(self._programs):
            self._end(lesson_id)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._own_folder is not None:
            self._own_folder.close()

    # --- signaling.ports.LessonObserver -------------------------------------------------------

    async def lesson_opened(self, plan: LessonPlan) -> None:
        """Opened anew after a fault its media is new too: what fed it is gone."""
        self._end(plan.lesson_id)
        if plan.lesson_id in self._holders:
            self._wanted(plan.lesson_id)

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        """The lesson's program is wanted or not; all else it shows at once."""
        if not isinstance(entry, ProgramWanted):
            program = self._programs.get(lesson_id)
            if program is not None:
                program.hurry()
        elif entry.wanted:
            self._taken.add(lesson_id)
            self._wanted(lesson_id)
        else:
            self._taken.discard(lesson_id)
            if lesson_id not in self._holders:
                self._let_go(lesson_id)

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        """A source can be shown: seen at the next look."""

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        """A source is gone: as well."""

    async def lesson_closed(self, lesson_id: str) -> None:
        """The lesson is over."""
        self._waiting.pop(lesson_id, None)
        self._taken.discard(lesson_id)
        self._holders.pop(lesson_id, None)
        self._end(lesson_id)

    # --- beginning and ending -----------------------------------------------------------------

    def _wanted(self, lesson_id: str) -> None:
        lingering = self._ending.pop(lesson_id, None)
        if lingering is not None:
            lingering.cancel()
        if self._closed or lesson_id in self._programs:
            return
        if len(self._programs) >= self._most:
            self._waiting[lesson_id] = None
            _log.warning("no room for another program", lesson=lesson_id, most=self._most)
            self._later(self.lessons.set_program(lesson_id, ProgramStanding.FULL))
            return
        assert self._runtime_folder is not None  # `start` was called
        program = LessonProgram(
            self._media,
            self.lessons,
            lesson_id,
            folder=self._runtime_folder,
            program=self._program,
            layers=self._layers,
            frames_per_s=self._frames_per_s,
            allowed=self._allowed,
        )
        if lesson_id in self._holders:
            program.set_heartbeat(PUT_OUT_HEARTBEAT_S)
        self._programs[lesson_id] = program
        self._later(program.start())

    def _let_go(self, lesson_id: str) -> None:
        if self._waiting.pop(lesson_id, "") is None:
            self._later(self.lessons.set_program(lesson_id, ProgramStanding.IDLE))
        if lesson_id in self._programs and lesson_id not in self._ending:
            loop = asyncio.get_running_loop()
            self._ending[lesson_id] = loop.call_later(self._lingers_s, self._end, lesson_id)

    def _end(self, lesson_id: str) -> None:
        lingering = self._ending.pop(lesson_id, None)
        if lingering is not None:
            lingering.cancel()
        program = self._programs.pop(lesson_id, None)
        if program is None:
            return
        self._past_starts += program.starts
        self._later(self._close(program))

    async def _close(self, program: LessonProgram) -> None:
        await program.close()
        if program.lesson_id not in self._programs:
            await self.lessons.set_program(program.lesson_id, ProgramStanding.IDLE)
        while self._waiting and len(self._programs) < self._most:
            lesson_id = next(iter(self._waiting))
            del self._waiting[lesson_id]
            self._wanted(lesson_id)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a program's task failed", why=repr(error))
