"""Recording of lessons: hears what happens, keeps the recorder told, files what comes of it.

Owns which lessons are recorded and under which id, the taps, what a new recorder must be told
after a crash of the old one, and what an earlier server left unfinished. The files are the
recorder's, the rows the catalogue's (`library`), the process `server.children`'s.

Nothing here makes a lesson wait: observers' calls only note what is wanted; tasks of their own
bring it about, and again when a recorder comes back. A recording that fails is told to the
catalogue and to the lesson, which goes on, and is tried again: while the lesson runs for as long as
it takes (it *pauses*, mostly because the disk is full), after it a few times, later and later.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import structlog

from recorder import control as c
from recorder.errors import ManifestError
from recorder.manifest import read_manifest
from recorder.recording_folder import JOURNAL, MANIFEST
from recorder.records import SeatRecord
from server.children.child import Child
from server.children.recorder import RECORDER
from server.children.tapping import TappedMedia, Tapping
from server.clock import Clock, wall_clock
from server.database.room import room_in
from server.errors import Refusal, Text
from server.ids import new_id
from server.recordings.leftovers import Leftover, Stage, find_leftovers, mark_filed
from server.recordings.library import RecordingCatalogue
from server.recordings.recorded import Recorded, RecordingTotals
from server.recordings.recorder_sink import RecorderSink
from server.recordings.retries import Retries
from signaling.log.entries import AnyEntry, as_members
from signaling.ports import LessonPlan

_log = structlog.get_logger("tongke.recording")

# Events kept for a recorder that is away: more than a lesson has in an hour.
MAX_UNWRITTEN_EVENTS = 10_000

# How often it is looked whether the lesson of an interrupted recording has ended elsewhere (by
# the timetable, or while the server was down).
LEFTOVER_CHECK_S = 30.0

# What is still to be told to the database when the server stops; it answers in milliseconds.
LAST_CHORES_S = 10.0

# A paused recording is gone on with this soon after its disk has room again. Delays are between
# tries; that there is room is looked at every second, and costs nothing.
RESUME_AFTER_S = (1.0, 2.0, 5.0, 15.0, 30.0)
# What a minute of one seat needs: who goes on with less is paused again at once.
RESUME_ROOM_BYTES = 16 << 20

# A finish fails because the disk is full or the machine is short of something: that may be over in
# a minute, or when somebody has looked after it. Then there is the button.
FINISH_AGAIN_AFTER_S = (30.0, 300.0, 1800.0, 7200.0)
# What no further try will change.
_FINAL = frozenset({"nothing-recorded", "manifest-unreadable", "manifest-newer"})

LOOK_EVERY_S = 1.0

Chore = Coroutine[Any, Any, None]
LessonLive = Callable[[str], Coroutine[Any, Any, bool]]
OnRunning = Callable[[str, bool, str], Chore]


async def _tell_nobody(lesson_id: str, running: bool, fault: str) -> None:
    """Until somebody is set to be told."""


class Recording:
    """`signaling.ports.LessonObserver` that records. `start` it before, `close` it after signaling.

    `on_running(lesson_id, running, fault)` tells the lesson whether it really is being recorded,
    and why not; it is set after both are made.
    """

    on_running: OnRunning

    def __init__(
        self,
        media: TappedMedia,
        catalogue: RecordingCatalogue,
        *,
        folder: Path,
        lesson_live: LessonLive,
        runtime_folder: Path | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        """`folder` holds the recordings, `runtime_folder` the taps' sockets (default: a new one).

        `lesson_live(lesson_id)` says whether a lesson may still be joined.
        """
        self.on_running = _tell_nobody
        self._media = media
        self._catalogue = catalogue
        self._folder = folder
        self._lesson_live = lesson_live
        self._runtime_folder = runtime_folder
        self._own_runtime_folder: Path | None = None
        self._clock = clock
        self._recorder = Child(
            RECORDER, on_up=self._recorder_up, on_report=self._report, on_down=self._recorder_down
        )
        self._by_lesson: dict[str, Recorded] = {}  # lessons in progress
        self._by_id: dict[str, Recorded] = {}  # all that is not filed yet
        self._leftovers: dict[str, Leftover] = {}  # by lesson: interrupted, may go on
        self._to_finish: set[str] = set()  # left closed by an earlier server
        self._pauses = Retries(RESUME_AFTER_S, for_ever=True)
        self._finishes = Retries(FINISH_AGAIN_AFTER_S, for_ever=False)
        self._chores: asyncio.Queue[Chore] = asyncio.Queue()
        self._filing: asyncio.Queue[Chore] = asyncio.Queue()  # what waits for the database
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._events = self._dropped_events = 0
        self._run_id = new_id()  # event ids of two runs of the server must differ

    @property
    def recorder_pid(self) -> int | None:
        """The recorder's process id while one runs."""
        return self._recorder.pid

    def totals(self) -> RecordingTotals:
        """Where all recordings stand now."""
        kept = self._by_id.values()
        finishing = sum(recorded.closed and not recorded.failed for recorded in kept)
        running = sum(recorded.running for recorded in kept)
        failed = sum(recorded.failed for recorded in kept)
        return RecordingTotals(
            recorder_up=self._recorder.up,
            recorder_starts=self._recorder.starts,
            running=running,
            waiting=len(kept) - finishing - running - failed,
            failed=failed,
            finishing=finishing + len(self._to_finish),
            taps=sum(len(recorded.taps) for recorded in kept),
            unwritten_events=sum(len(recorded.unwritten) for recorded in kept),
            dropped_events=self._dropped_events,
        )

    async def start(self) -> None:
        """Look for what was left unfinished, and start the recorder."""
        if self._runtime_folder is None:
            self._own_runtime_folder = Path(tempfile.mkdtemp(prefix="tongke-taps-"))
            self._runtime_folder = self._own_runtime_folder
        for found in await asyncio.to_thread(find_leftovers, self._folder):
            self._take_up(found)
        self._tasks = [
            asyncio.create_task(_do(self._chores), name="recording-chores"),
            asyncio.create_task(_do(self._filing), name="recording-filing"),
            asyncio.create_task(self._look_after_leftovers(), name="recording-leftovers"),
            asyncio.create_task(self._try_again(), name="recording-retries"),
        ]
        await self._recorder.start()

    async def close(self) -> None:
        """Stop recording. Lessons that go on after a restart go on in the same recording."""
        self._closing = True
        taps = [tap for recorded in self._by_id.values() for tap in recorded.taps.values()]
        await asyncio.gather(*(tap.stop() for tap in taps))
        await self._recorder.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CHORES_S):
                await asyncio.gather(self._chores.join(), self._filing.join())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for chores in (self._chores, self._filing):
            while not chores.empty():
                chores.get_nowait().close()
        if self._own_runtime_folder is not None:
            shutil.rmtree(self._own_runtime_folder, ignore_errors=True)

    # --- signaling.ports.LessonObserver -------------------------------------------------------

    async def lesson_opened(self, plan: LessonPlan) -> None:
        """A lesson begins, or goes on after a restart."""
        if not plan.record or plan.lesson_id in self._by_lesson or self._closing:
            return
        leftover = self._leftovers.pop(plan.lesson_id, None)
        recording_id = leftover.recording_id if leftover else new_id()
        seats = tuple(
            SeatRecord(
                seat_id=seat.seat_id, role=seat.role.value, name=seat.name, school=seat.school
            )
            for seat in plan.seats
        )
        recorded = Recorded(recording_id, plan.lesson_id, plan.title, seats)
        self._by_lesson[plan.lesson_id] = self._by_id[recording_id] = recorded
        self._file_later(self._catalogue.added(recording_id, plan.lesson_id, self._clock()))
        self._recorder.send(self._open_command(recorded))

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        """An entry of the lesson's event log goes to the journal."""
        recorded = self._by_lesson.get(lesson_id)
        if recorded is None:
            return
        self._events += 1
        message = c.JournalEvent(
            recording_id=recorded.recording_id,
            event_id=f"{self._run_id}-{self._events}",
            event=as_members(entry),
        )
        recorded.unwritten[message.event_id] = message
        if len(recorded.unwritten) > MAX_UNWRITTEN_EVENTS:
            del recorded.unwritten[next(iter(recorded.unwritten))]
            self._dropped_events += 1
        self._recorder.send(message)

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        """A source can be recorded."""
        recorded = self._by_lesson.get(lesson_id)
        if recorded is None or producer_id in recorded.taps or self._runtime_folder is None:
            return
        sink = RecorderSink(
            self._recorder.send,
            recording_id=recorded.recording_id,
            seat_id=seat_id,
            source=source,
            producer_id=producer_id,
        )
        tap = Tapping(
            self._media,
            sink,
            lesson_id=lesson_id,
            producer_id=producer_id,
            folder=self._runtime_folder,
            from_past=True,
        )
        recorded.taps[producer_id] = tap
        if self._recorder.up and not recorded.failed:
            tap.begin()

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        """A source is gone."""
        recorded = self._by_lesson.get(lesson_id)
        tap = recorded.taps.pop(producer_id, None) if recorded is not None else None
        if tap is not None:
            await tap.stop()

    async def lesson_closed(self, lesson_id: str) -> None:
        """The lesson is over: its recording is finished."""
        recorded = self._by_lesson.pop(lesson_id, None)
        if recorded is None:
            return
        taps = list(recorded.taps.values())
        recorded.taps.clear()
        await asyncio.gather(*(tap.stop() for tap in taps))
        recorded.closed = True
        recorded.told = (False, "")
        self._pauses.forget(recorded.recording_id)
        if recorded.failed:  # a new life: for what it could not write, and for its end
            recorded.failed = False
            self._tell_recorder(recorded)
        else:
            self._recorder.send(c.CloseRecording(recording_id=recorded.recording_id))

    # --- trying again -------------------------------------------------------------------------

    def pause_of(self, recording_id: str) -> str:
        """Why a recording stands still just now, for IT; empty if it does not.

        It is known here alone: mostly the disk that holds the database is as full.
        """
        recorded = self._by_id.get(recording_id)
        return "" if recorded is None or recorded.closed else recorded.pause

    def finish_again(self, recording_id: str) -> None:
        """Try once more, now, to make a recording playable that failed.

        Refuses (409) one that is not at its end, or whose folder is gone.
        """
        recorded = self._by_id.get(recording_id)
        if recording_id in self._to_finish or (
            recorded is not None and recorded.closed and not recorded.failed
        ):
            return  # it is being tried
        interrupted = any(one.recording_id == recording_id for one in self._leftovers.values())
        lost = recorded is None and not (self._folder / recording_id / JOURNAL).is_file()
        if interrupted or lost or (recorded is not None and not recorded.closed):
            raise Refusal(
                409,
                "cannot-be-finished",
                Text(
                    "这个录像现在无法整理。",
                    "This recording cannot be finished now.",
                ),
            )
        self._finishes.tried(recording_id, _now())
        self._finish_again(recording_id)

    def _finish_again(self, recording_id: str) -> None:
        recorded = self._by_id.get(recording_id)
        _log.info("a recording is finished again", recording=recording_id)
        self._file_later(self._catalogue.finishing(recording_id))
        if recorded is not None:
            recorded.failed = False
            self._tell_recorder(recorded)
        else:
            self._to_finish.add(recording_id)
            self._recorder.send(self._finish_command(recording_id))

    async def _try_again(self) -> None:
        """Go on with what is paused as soon as the disk has room; finish again what failed."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for recording_id in self._finishes.due(_now()):
                self._finishes.tried(recording_id, _now())
                self._finish_again(recording_id)
            if not self._paused():
                continue
            has_room = await asyncio.to_thread(_has_room, self._folder)
            for recorded in self._paused() if has_room else ():
                self._resume(recorded)

    def _paused(self) -> list[Recorded]:
        """What may be gone on with now, if there is room."""
        due = self._pauses.due(_now()) if self._recorder.up else []
        found = [self._by_id[recording_id] for recording_id in due if recording_id in self._by_id]
        return [recorded for recorded in found if recorded.failed and not recorded.closed]

    def _resume(self, recorded: Recorded) -> None:
        self._pauses.tried(recorded.recording_id, _now())
        recorded.failed = False
        self._tell_recorder(recorded)

    # --- the recorder -------------------------------------------------------------------------

    def _recorder_up(self) -> None:
        """Tell a new recorder all that the old one knew."""
        for recording_id in self._to_finish:
            self._recorder.send(self._finish_command(recording_id))
        for recorded in self._by_id.values():
            if not recorded.closed:
                self._resume(recorded)
            elif not recorded.failed:
                self._tell_recorder(recorded)

    def _tell_recorder(self, recorded: Recorded) -> None:
        """All that it must know of this recording, whatever it knows already."""
        if recorded.complete:
            self._recorder.send(self._finish_command(recorded.recording_id))
            return
        self._recorder.send(self._open_command(recorded))
        for event in recorded.unwritten.values():
            self._recorder.send(event)
        if recorded.closed:
            self._recorder.send(c.CloseRecording(recording_id=recorded.recording_id))
        elif self._recorder.up:
            for tap in recorded.taps.values():
                tap.begin()

    def _recorder_down(self) -> None:
        for recorded in self._by_id.values():
            self._tell_lesson(recorded, running=False, fault="recorder-away")
            for tap in recorded.taps.values():
                self._later(tap.stop())

    def _report(self, report: c.Report) -> None:
        match report:
            case c.Journaled():
                for waiting in self._by_id.values():
                    waiting.unwritten.pop(report.event_id, None)
            case c.TapReady() | c.TapFailed():
                self._tap_report(report)
            case c.Running():
                recorded = self._by_id.get(report.recording_id)
                if recorded is not None and not recorded.closed:
                    self._runs(recorded)
            case c.Finishing():
                recorded = self._by_id.get(report.recording_id)
                if recorded is not None:
                    recorded.complete = True
            case c.Failed():
                self._failed(report)
            case c.Finished():
                self._file_later(self._file(report.recording_id))
            case _:
                return

    def _tap_report(self, report: c.TapReady | c.TapFailed) -> None:
        for recorded in self._by_id.values():
            for tap in recorded.taps.values():
                if tap.track_id != report.track_id:
                    continue
                if isinstance(report, c.TapFailed):
                    tap.refused(report.text)
                else:
                    tap.ready()
                return

    def _failed(self, report: c.Failed) -> None:
        recording_id = report.recording_id
        recorded = self._by_id.get(recording_id)
        if recorded is not None:
            recorded.failed = True
        if recorded is not None and not recorded.closed:
            self._pause(recorded, report)
            return
        self._to_finish.discard(recording_id)
        again_s = None
        if report.code not in _FINAL:
            again_s = self._finishes.failed(recording_id, _now())
        _log.error("finishing failed", recording=recording_id, why=report.text, again_s=again_s)
        self._file_later(self._catalogue.failed(recording_id, report.text))

    def _pause(self, recorded: Recorded, report: c.Failed) -> None:
        _log.error("recording pauses", recording=recorded.recording_id, why=report.text)
        self._pauses.failed(recorded.recording_id, _now())
        recorded.pause = report.text
        self._tell_lesson(recorded, running=False, fault=report.code)
        for tap in recorded.taps.values():
            self._later(tap.stop())

    def _runs(self, recorded: Recorded) -> None:
        if not recorded.running and recorded.told[1]:
            _log.info("recording goes on", recording=recorded.recording_id)
        recorded.pause = ""
        self._tell_lesson(recorded, running=True)

    async def _file(self, recording_id: str) -> None:
        """The recording can be played: it goes to the library."""
        folder = self._folder / recording_id
        try:
            manifest = await asyncio.to_thread(read_manifest, folder)
        except ManifestError as error:
            self._failed(c.Failed(recording_id=recording_id, code=error.code, text=str(error)))
            return
        if manifest is None:
            raise FileNotFoundError(folder / MANIFEST)
        await self._catalogue.finished(recording_id, manifest)
        await asyncio.to_thread(mark_filed, folder)
        self._to_finish.discard(recording_id)
        self._finishes.forget(recording_id)
        self._by_id.pop(recording_id, None)

    def _open_command(self, recorded: Recorded) -> c.OpenRecording:
        return c.OpenRecording(
            recording_id=recorded.recording_id,
            folder=str(self._folder / recorded.recording_id),
            lesson_id=recorded.lesson_id,
            title=recorded.title,
            seats=recorded.seats,
        )

    def _finish_command(self, recording_id: str) -> c.FinishRecording:
        return c.FinishRecording(recording_id=recording_id, folder=str(self._folder / recording_id))

    # --- what an earlier server left ----------------------------------------------------------

    def _take_up(self, found: Leftover) -> None:
        recording_id, lesson_id = found.recording_id, found.lesson_id
        self._file_later(self._catalogue.added(recording_id, lesson_id, found.started_at))
        match found.stage:
            case Stage.INTERRUPTED:
                # Of several of one lesson only the newest may go on.
                other = self._leftovers.get(lesson_id, found)
                newest = max(found, other, key=lambda leftover: leftover.started_at)
                self._leftovers[lesson_id] = newest
                self._to_finish |= {found.recording_id, other.recording_id} - {newest.recording_id}
            case Stage.CLOSED:
                self._to_finish.add(recording_id)
            case Stage.FINISHED:
                self._file_later(self._file(recording_id))

    async def _look_after_leftovers(self) -> None:
        """Finish interrupted recordings whose lesson will not go on."""
        while self._leftovers:
            for lesson_id, leftover in list(self._leftovers.items()):
                try:
                    if await self._lesson_live(lesson_id):
                        continue
                except Exception:
                    _log.exception("is the lesson still live?", lesson=lesson_id)
                    continue
                if self._leftovers.pop(lesson_id, None) is not None:
                    self._to_finish.add(leftover.recording_id)
                    self._recorder.send(self._finish_command(leftover.recording_id))
            await asyncio.sleep(LEFTOVER_CHECK_S)

    # --- chores -------------------------------------------------------------------------------

    def _tell_lesson(self, recorded: Recorded, *, running: bool, fault: str = "") -> None:
        if not recorded.closed and recorded.told != (running, fault):
            recorded.told = (running, fault)
            self._later(self.on_running(recorded.lesson_id, running, fault))

    def _later(self, chore: Chore) -> None:
        # Not bounded by number: a chore is a step in the life of a recording, of which there are
        # a handful each.
        self._chores.put_nowait(chore)

    def _file_later(self, chore: Chore) -> None:
        """The same for what the catalogue is told: it may wait long, and nothing waits for it."""
        self._filing.put_nowait(chore)


def _has_room(folder: Path) -> bool:
    return not folder.exists() or room_in(folder, least_bytes=RESUME_ROOM_BYTES) == "ok"


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _do(chores: asyncio.Queue[Chore]) -> None:
    """One after the other, in order; one that fails is told in the log and left behind."""
    while True:
        chore = await chores.get()
        try:
            await chore
        except Exception:
            _log.exception("a step of a recording failed")
        finally:
            chores.task_done()
