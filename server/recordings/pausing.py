"""Recordings of lessons that go on: whether they run, that they pause, and that they go on.

A recording pauses when its disk refuses, mostly because it is full, or when the lead switches it
off. The lesson goes on and is told that it is not recorded, and why. It is gone on with as soon as
there is room again, here or on the next disk, for as long as the lesson runs, or when the lead
switches it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from recorder import control as c
from recorder.pauses import LEAST_PAUSE_S, SWITCHED_OFF
from server.database.free_space import space_in
from server.recordings.chores import Chore, Chores
from server.recordings.phases import RecorderPhase
from server.recordings.recorded import Interruption, Recorded
from server.recordings.retries import Retries

_log = structlog.get_logger("tongke.recording")

# A paused recording is gone on with this soon after its disk has room again. Delays are between
# tries; that there is room is looked at every second, and costs nothing.
RESUME_AFTER_S = (1.0, 2.0, 5.0, 15.0, 30.0)
# What a minute of one seat needs: who goes on with less is paused again at once.
RESUME_ROOM_BYTES = 16 << 20

AWAY, AWAY_TEXT = "recorder-away", "The server or its recorder was not running."

OnRunning = Callable[[str, bool, str], Chore]


async def _tell_nobody(lesson_id: str, running: bool, fault: str) -> None:
    """Until somebody is set to be told."""


class Pausing:
    """`kept` are all recordings by id; `tell_recorder` says all of one to the recorder anew;
    `move_on` lets one go on on another disk, if there is room.
    """

    on_running: OnRunning

    def __init__(
        self,
        kept: Mapping[str, Recorded],
        folder: Path,
        tell_recorder: Callable[[Recorded], None],
        send: Callable[[c.Command], object],
        *,
        move_on: Callable[[str], bool] = lambda _recording_id: False,
    ) -> None:
        self.on_running = _tell_nobody
        self.chores = Chores("recording-chores")
        self._kept = kept
        self._folder = folder
        self._tell_recorder = tell_recorder
        self._send = send
        self._move_on = move_on
        self._retries = Retries(RESUME_AFTER_S, for_ever=True)

    def runs(self, recorded: Recorded, now: float) -> None:
        """The recorder has its files open, and the disk takes them."""
        if recorded.switched_off:  # meanwhile
            return
        if not recorded.running and recorded.told[1]:
            _log.info("recording goes on", recording=recorded.recording_id)
        away_since, recorded.away_since = recorded.away_since, None
        if recorded.interruption is not None:
            recorded.interruption = replace(recorded.interruption, over=True)
        elif away_since is not None and now - away_since >= LEAST_PAUSE_S:
            recorded.interruption = Interruption(AWAY, AWAY_TEXT, over=True)
        self._tell_lesson(recorded, running=True)

    def away(self, recorded: Recorded, now: float) -> None:
        """The recorder is gone; another is started."""
        if recorded.switched_off:
            return
        if recorded.away_since is None:
            recorded.away_since = now
        self._tell_lesson(recorded, running=False, fault=AWAY)
        self._stop_taps(recorded)

    def pause(self, recorded: Recorded, report: c.RecordingFailed, now: float) -> None:
        """The disk refuses."""
        if recorded.switched_off:
            return
        recorded.reach(RecorderPhase.PAUSED)
        _log.error("recording pauses", recording=recorded.recording_id, why=report.text)
        self._retries.failed(recorded.recording_id, now)
        recorded.interruption = Interruption(report.code, report.text, over=False)
        self._tell_lesson(recorded, running=False, fault=report.code)
        self._stop_taps(recorded)

    def switch(self, recorded: Recorded, now: float, *, on: bool) -> None:
        """The lead wants no more of it recorded, or wants it again."""
        if recorded.switched_off is not on:  # as it is already
            return
        recorded.switched_off = not on
        if on:
            recorded.wanted_since = now
            self.resume(recorded, now)
            return
        if recorded.reach(RecorderPhase.PAUSED):
            self._send(c.PauseRecording(recording_id=recorded.recording_id))
        self._retries.forget(recorded.recording_id)
        self._tell_lesson(recorded, running=False, fault=SWITCHED_OFF[0])
        self._stop_taps(recorded)

    def resume(self, recorded: Recorded, now: float) -> None:
        """Try to go on, unless the lead wants it not."""
        if recorded.switched_off:
            return
        self._retries.tried(recorded.recording_id, now)
        recorded.reach(RecorderPhase.RECORDING)
        self._tell_recorder(recorded)

    def over(self, recorded: Recorded) -> None:
        """Its lesson is: nobody is told any more, and nothing is gone on with."""
        recorded.told = (False, "")
        self._retries.forget(recorded.recording_id)

    async def look(self, now: float) -> None:
        """Go on with what is paused, if its time has come and the disk has room."""
        if not self._due(now):
            return
        for recorded in self._due(now):
            may = await asyncio.to_thread(self._may_go_on, recorded.recording_id)
            if may and recorded.phase is RecorderPhase.PAUSED:  # it may have ended meanwhile
                self.resume(recorded, now)

    def _may_go_on(self, recording_id: str) -> bool:
        """Where it lies, or on the next disk."""
        return _has_room(self._folder, recording_id) or self._move_on(recording_id)

    def _due(self, now: float) -> list[Recorded]:
        found = [self._kept.get(recording_id) for recording_id in self._retries.due(now)]
        return [one for one in found if one is not None and one.phase is RecorderPhase.PAUSED]

    def _stop_taps(self, recorded: Recorded) -> None:
        for tap in recorded.taps.values():
            self.chores.later(tap.stop())

    def _tell_lesson(self, recorded: Recorded, *, running: bool, fault: str = "") -> None:
        if recorded.live and recorded.told != (running, fault):
            recorded.told = (running, fault)
            self.chores.later(self.on_running(recorded.lesson_id, running, fault))


def _has_room(recordings: Path, recording_id: str) -> bool:
    """On its own disk, if it has begun there."""
    folder = recordings / recording_id
    folder = folder if folder.is_dir() else recordings
    return not folder.exists() or space_in(folder, least_bytes=RESUME_ROOM_BYTES) == "ok"
