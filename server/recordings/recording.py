"""Recording of lessons: hears what happens, and keeps the recorder told.

Owns which lessons are recorded and under which id, the taps, and what a new recorder must be told
after a crash of the old one. What pauses and goes on is `pausing`'s, what becomes of a recording
after its lesson `filing`'s, what an earlier server left `leftovers`'; how far one may come and what
follows what is `phases`'. The files are the recorder's, the rows the catalogue's (`library`), the
process `server.children`'s.

Nothing here makes a lesson wait: observers' calls only note what is wanted; tasks of their own
bring it about, and again when a recorder comes back. A recording that fails is told to the
catalogue and to the lesson, which goes on, and is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from functools import partial
from pathlib import Path

from mixer.model import LayerBeside, TapWant
from mixer.node import RuntimeFolder
from recorder import control as c
from recorder.exchange.taking import ASIDE as IMPORTED_ASIDE
from recorder.records import PROGRAM_SEAT, SeatRecord
from recorder.unfinished_work import sweep
from server.children.child import Child
from server.children.recorder import RECORDER
from server.children.tap_sink import TapSink
from server.children.tapping import TappedMedia, Tapping
from server.clock import Clock, wall_clock
from server.ids import new_id
from server.recordings.filing import Filing, cannot_be_finished
from server.recordings.leftovers import Leftover, Leftovers, LessonLive, find_leftovers
from server.recordings.library import RecordingCatalogue
from server.recordings.moving import settle
from server.recordings.pausing import OnRunning, Pausing
from server.recordings.phases import AGAIN, FAILS_AS, RecorderPhase
from server.recordings.places import RecordingPlaces
from server.recordings.recorded import (
    MAX_UNWRITTEN_EVENTS,
    Interruption,
    Recorded,
    RecordingTotals,
    Unrecorded,
)
from server.recordings.store import FolderStore, Store
from signaling.log.entries import AnyEntry, RecordingSwitched, as_members
from signaling.ports import LessonPlan
from signaling.protocol.messages import LessonSource, Source

# What is still to be told to the database when the server stops; it answers in milliseconds.
LAST_CHORES_S = 10.0

# At disks and at what is to be finished again: a recording goes on so late at most.
LOOK_EVERY_S = 1.0

# What a thin line watches is recorded beside the best, where its sender makes it anyway: a tenth of
# the bytes, and a face is to be known in it.
SMALL = LayerBeside(320, 180)
_SOUNDS = frozenset({Source.ROOM.value, LessonSource.MIX.value})


class RecordingService:
    """`signaling.ports.LessonObserver` that records. `start` it before, `close` it after signaling.

    `on_running(lesson_id, running, fault)` tells the lesson whether it really is being recorded,
    and why not; it is set after both are made.
    """

    def __init__(
        self,
        media: TappedMedia,
        catalogue: RecordingCatalogue,
        *,
        folder: Path,
        store: Store | None = None,
        places: RecordingPlaces | None = None,
        lesson_live: LessonLive,
        runtime_folder: Path | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        """`folder` holds the recordings while they are made, `store` what is finished (default:
        the same folder), `places` the disk on which each begins, `runtime_folder` the taps' sockets
        (default: a new one).

        `lesson_live(lesson_id)` says whether a lesson may still be joined.
        """
        self._media = media
        self._folder = folder
        self._places = RecordingPlaces(folder) if places is None else places
        self._runtime_folder = runtime_folder
        self._own_runtime_folder: RuntimeFolder | None = None
        self._clock = clock
        self._recorder = Child(
            RECORDER, on_up=self._recorder_up, on_report=self._report, on_down=self._recorder_down
        )
        self._unrecorded: dict[str, Unrecorded] = {}  # lessons in progress, not recorded yet
        self._by_lesson: dict[str, Recorded] = {}  # lessons in progress
        self._by_id: dict[str, Recorded] = {}  # all that is not filed yet
        move_on = self._places.move_on
        self._pausing = Pausing(
            self._by_id, folder, self._tell_recorder, self._recorder.send, move_on=move_on
        )
        store = FolderStore(folder) if store is None else store
        self._filing = Filing(
            self._by_id, folder, store, catalogue, self._tell_recorder, move_on=move_on
        )
        self._leftovers = Leftovers(lesson_live, self._finish_left)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._events = self._dropped_events = 0
        self._run_id = new_id()  # event ids of two runs of the server must differ

    @property
    def on_running(self) -> OnRunning:
        """Whom the lesson's side is told by."""
        return self._pausing.on_running

    @on_running.setter
    def on_running(self, told: OnRunning) -> None:
        self._pausing.on_running = told

    @property
    def recorder_pid(self) -> int | None:
        """The recorder's process id while one runs."""
        return self._recorder.pid

    def totals(self) -> RecordingTotals:
        """Where all recordings stand now."""
        kept = self._by_id.values()
        phases = Counter(recorded.phase for recorded in kept)
        finishing = sum(phases[phase] for phase in FAILS_AS)
        paused = sum(r.phase is RecorderPhase.PAUSED and not r.switched_off for r in kept)
        failed = paused + sum(phases[phase] for phase in AGAIN)
        running = sum(recorded.running for recorded in kept)
        return RecordingTotals(
            recorder_up=self._recorder.up,
            recorder_starts=self._recorder.starts,
            running=running,
            waiting=len(kept) - finishing - running - failed,
            failed=failed,
            finishing=finishing,
            taps=sum(len(recorded.taps) for recorded in kept),
            unwritten_events=sum(len(recorded.unwritten) for recorded in kept),
            dropped_events=self._dropped_events,
        )

    async def start(self) -> None:
        """Look for what was left unfinished, and start the recorder."""
        if self._runtime_folder is None:
            self._own_runtime_folder = RuntimeFolder()
            self._runtime_folder = self._own_runtime_folder.path
        await asyncio.to_thread(settle, self._folder)
        await asyncio.to_thread(sweep, self._folder, begins=IMPORTED_ASIDE)
        for found in await asyncio.to_thread(find_leftovers, self._folder, self._clock()):
            self._take_up(found)
        self._pausing.chores.start()
        self._filing.chores.start()
        self._tasks = [
            asyncio.create_task(self._leftovers.look_after(), name="recording-leftovers"),
            asyncio.create_task(self._try_again(), name="recording-retries"),
        ]
        await self._recorder.start()

    async def close(self) -> None:
        """Stop recording. Lessons that go on after a restart go on in the same recording."""
        self._closing = True
        taps = [tap for recorded in self._by_id.values() for tap in recorded.taps.values()]
        await asyncio.gather(*(tap.stop() for tap in taps))
        await self._recorder.close()
        all_chores = (self._pausing.chores, self._filing.chores)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CHORES_S):
                await asyncio.gather(*(chores.done() for chores in all_chores))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for chores in all_chores:
            await chores.close()
        if self._own_runtime_folder is not None:
            self._own_runtime_folder.close()

    # --- signaling.ports.LessonObserver -------------------------------------------------------

    async def lesson_opened(self, plan: LessonPlan) -> None:
        """A lesson is open, or goes on after a restart. It is recorded from when its lead comes."""
        known = plan.lesson_id in self._by_lesson or plan.lesson_id in self._unrecorded
        if known or self._closing:
            return
        leftover = self._leftovers.pop(plan.lesson_id)
        if leftover is None:
            self._unrecorded[plan.lesson_id] = Unrecorded(plan, plan.record)
        else:
            self._begin(plan, leftover)

    def _begin(self, plan: LessonPlan, leftover: Leftover | None = None) -> Recorded:
        """Record this lesson from now on, or go on with what was recorded of it."""
        recording_id = leftover.recording_id if leftover else new_id()
        self._places.prepare(recording_id)
        seats = tuple(
            SeatRecord(
                seat_id=seat.seat_id, role=seat.role.value, name=seat.name, school=seat.school
            )
            for seat in plan.seats
        )
        recorded = Recorded(recording_id, plan.lesson_id, plan.title, seats)
        recorded.interruption = leftover.interruption if leftover else None
        recorded.wanted_since = _now()
        self._by_lesson[plan.lesson_id] = self._by_id[recording_id] = recorded
        self._filing.begun(recording_id, plan.lesson_id, self._clock())
        self._recorder.send(self._open_command(recorded))
        return recorded

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        """An entry of the lesson's event log goes to the journal."""
        unrecorded = self._unrecorded.get(lesson_id)
        if unrecorded is not None and unrecorded.begins_with(entry):
            del self._unrecorded[lesson_id]
            recorded = self._begin(unrecorded.plan)
            for before in unrecorded.events:
                self._write(recorded, before)
            for producer_id, (seat_id, source) in unrecorded.sources.items():
                await self.producer_added(lesson_id, seat_id, source, producer_id)
            return
        going = self._by_lesson.get(lesson_id)
        if going is None:
            return
        self._write(going, entry)
        if isinstance(entry, RecordingSwitched):
            self._pausing.switch(going, _now(), on=entry.recording)

    def _write(self, recorded: Recorded, entry: AnyEntry) -> None:
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
        if lesson_id in self._unrecorded:
            self._unrecorded[lesson_id].sources[producer_id] = (seat_id, source)
        recorded = self._by_lesson.get(lesson_id)
        if recorded is None or producer_id in recorded.taps or self._runtime_folder is None:
            return
        opening = partial(
            c.OpenTap,
            recording_id=recorded.recording_id,
            seat_id=seat_id or PROGRAM_SEAT,
            source=source,
            producer_id=producer_id,
        )
        ways: dict[str, tuple[partial[c.OpenTap], TapWant]] = {producer_id: (opening, None)}
        if source not in _SOUNDS:
            ways[_beside(producer_id)] = (partial(opening, beside=True), SMALL)
        for key, (how, want) in ways.items():
            tap = recorded.taps[key] = Tapping(
                self._media,
                TapSink(self._recorder.send, how),
                lesson_id=lesson_id,
                producer_id=producer_id,
                folder=self._runtime_folder,
                want=want,
            )
            if self._recorder.up and recorded.phase is RecorderPhase.RECORDING:
                tap.begin(from_past=want is None and recorded.takes_past(_now()))

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        """A source is gone."""
        if lesson_id in self._unrecorded:
            self._unrecorded[lesson_id].sources.pop(producer_id, None)
        recorded = self._by_lesson.get(lesson_id)
        if recorded is None:
            return
        for key in (producer_id, _beside(producer_id)):
            tap = recorded.taps.pop(key, None)
            if tap is not None:
                await tap.stop()

    async def lesson_closed(self, lesson_id: str) -> None:
        """The lesson is over: its recording is finished."""
        self._unrecorded.pop(lesson_id, None)
        recorded = self._by_lesson.pop(lesson_id, None)
        if recorded is None:
            return
        taps = list(recorded.taps.values())
        recorded.taps.clear()
        await asyncio.gather(*(tap.stop() for tap in taps))
        paused = recorded.phase is RecorderPhase.PAUSED
        recorded.reach(RecorderPhase.CLOSING)
        self._pausing.over(recorded)
        if paused:  # a new life: for what it could not write, and for its end
            self._tell_recorder(recorded)
        else:
            self._recorder.send(c.CloseRecording(recording_id=recorded.recording_id))

    # --- what the library asks ----------------------------------------------------------------

    def interruption_of(self, recording_id: str) -> Interruption | None:
        """Why a recording whose lesson goes on is not whole: it stands still just now, or stood.

        It is known here alone: mostly the disk that holds the database is as full.
        """
        recorded = self._by_id.get(recording_id)
        return recorded.told_interruption if recorded is not None and recorded.live else None

    def finish_again(self, recording_id: str) -> None:
        """Try once more, now, to make a recording playable that failed.

        Refuses (409) one that is not at its end, or whose folder is gone.
        """
        if self._leftovers.holds(recording_id):
            raise cannot_be_finished()
        self._filing.again(recording_id, _now())

    async def _try_again(self) -> None:
        """Go on with what is paused as soon as the disk has room; finish again what failed."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._filing.look(_now())
            if self._recorder.up:
                await self._pausing.look(_now())

    # --- the recorder -------------------------------------------------------------------------

    def _recorder_up(self) -> None:
        """Tell a new recorder all that the old one knew."""
        for recorded in self._by_id.values():
            if recorded.live:
                self._pausing.resume(recorded, _now())
            else:
                self._tell_recorder(recorded)

    def _tell_recorder(self, recorded: Recorded) -> None:
        """All that it must know of this recording, whatever it knows already."""
        match recorded.phase:
            case RecorderPhase.RECORDING | RecorderPhase.CLOSING:
                self._recorder.send(self._open_command(recorded))
                for event in recorded.unwritten.values():
                    self._recorder.send(event)
                if recorded.phase is RecorderPhase.CLOSING:
                    self._recorder.send(c.CloseRecording(recording_id=recorded.recording_id))
                elif self._recorder.up:
                    for tap in recorded.taps.values():
                        tap.begin(from_past=recorded.takes_past(_now()))
            case RecorderPhase.FINISHING:
                folder = str(self._folder / recorded.recording_id)
                self._recorder.send(
                    c.FinishRecording(recording_id=recorded.recording_id, folder=folder)
                )
            case _:
                return

    def _recorder_down(self) -> None:
        for recorded in self._by_id.values():
            self._pausing.away(recorded, _now())

    def _report(self, report: c.Report) -> None:
        match report:
            case c.Journaled():
                for waiting in self._by_id.values():
                    waiting.unwritten.pop(report.event_id, None)
            case c.TapReady() | c.TapFailed():
                self._tap_report(report)
            case c.Running() | c.Finishing() | c.RecordingFailed() | c.Finished():
                self._recording_report(report)
            case _:
                return

    def _recording_report(
        self, report: c.Running | c.Finishing | c.RecordingFailed | c.Finished
    ) -> None:
        recorded = self._by_id.get(report.recording_id)
        live = recorded if recorded is not None and recorded.live else None
        match report:
            case c.Running() if live is not None:
                self._pausing.runs(live, _now())
            case c.Finishing() if recorded is not None:
                recorded.reach(RecorderPhase.FINISHING)
            case c.RecordingFailed() if live is not None:
                self._pausing.pause(live, report, _now())
            case c.RecordingFailed():
                self._filing.failed(report, _now())
            case c.Finished():
                self._filing.finished(report.recording_id)

    def _tap_report(self, report: c.TapReady | c.TapFailed) -> None:
        for recorded in self._by_id.values():
            for tap in recorded.taps.values():
                if tap.track_id != report.track_id:
                    continue
                if isinstance(report, c.TapFailed):
                    tap.refused(report.text, passes=report.passes)
                else:
                    tap.ready()
                return

    def _open_command(self, recorded: Recorded) -> c.OpenRecording:
        return c.OpenRecording(
            recording_id=recorded.recording_id,
            folder=str(self._folder / recorded.recording_id),
            lesson_id=recorded.lesson_id,
            title=recorded.title,
            seats=recorded.seats,
        )

    # --- what an earlier server left ----------------------------------------------------------

    def _take_up(self, found: Leftover) -> None:
        self._filing.begun(found.recording_id, found.lesson_id, found.started_at)
        match found.phase:
            case RecorderPhase.INTERRUPTED:
                self._leftovers.add(found)
            case RecorderPhase.FINISHED:
                self._filing.finished(found.recording_id)
            case _:
                self._finish_left(found)

    def _finish_left(self, found: Leftover) -> None:
        recorded = Recorded(found.recording_id, found.lesson_id, phase=found.phase)
        recorded.reach(RecorderPhase.FINISHING)
        self._by_id[found.recording_id] = recorded
        self._tell_recorder(recorded)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _beside(producer_id: str) -> str:
    """By what its second tap is known."""
    return f"{producer_id}/beside"
