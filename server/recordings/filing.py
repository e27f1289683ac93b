"""Recordings whose lesson is over: finished, filed in the library, or failed and tried again.

A finish fails because the disk is full or the machine is short of something: it is tried again by
itself, later and later, at each start of the server, and when somebody presses the button.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from recorder import control as c
from recorder.errors import ManifestError
from recorder.manifest import read_manifest
from recorder.recording_folder import JOURNAL, MANIFEST
from server.errors import Refusal, Text
from server.recordings.chores import Chores
from server.recordings.leftovers import mark_filed
from server.recordings.library import RecordingCatalogue
from server.recordings.moving import release_carried
from server.recordings.phases import AGAIN, FAILS_AS, RecorderPhase
from server.recordings.recorded import Recorded
from server.recordings.retries import Retries
from server.recordings.store import Store

_log = structlog.get_logger("tongke.recording")

# It may be over in a minute, or when somebody has looked after it. Then there is the button.
FINISH_AGAIN_AFTER_S = (30.0, 300.0, 1800.0, 7200.0)
# What no further try will change.
_FINAL = frozenset({"nothing-recorded", "manifest-unreadable", "manifest-newer"})


class Filing:
    """`kept` are all recordings by id: what is filed is taken out of it.

    `tell_recorder` says all of one to the recorder, which then finishes it in its folder; what came
    of it goes to the store before the catalogue is told. The catalogue is told
    in `chores`: that may wait long (for the database), and nothing waits for it.
    """

    def __init__(
        self,
        kept: dict[str, Recorded],
        folder: Path,
        store: Store,
        catalogue: RecordingCatalogue,
        tell_recorder: Callable[[Recorded], None],
        *,
        move_on: Callable[[str], bool] = lambda _recording_id: False,
    ) -> None:
        self.chores = Chores("recording-filing")
        self._kept = kept
        self._folder = folder
        self._store = store
        self._catalogue = catalogue
        self._tell_recorder = tell_recorder
        self._move_on = move_on
        self._no_room: set[str] = set()
        self._retries = Retries(FINISH_AGAIN_AFTER_S, for_ever=False)

    def begun(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        """A recording is there: its row says so."""
        self.chores.later(self._catalogue.added(recording_id, lesson_id, started_at))

    def failed(self, report: c.RecordingFailed, now: float) -> None:
        """It could not be closed, or not be made playable."""
        recorded = self._kept.get(report.recording_id)
        if recorded is not None:
            recorded.reach(FAILS_AS.get(recorded.phase))
        if report.code == "disk-full":
            self._no_room.add(report.recording_id)
        again_s = None
        if report.code not in _FINAL:
            again_s = self._retries.failed(report.recording_id, now)
        _log.error(
            "finishing failed", recording=report.recording_id, why=report.text, again_s=again_s
        )
        self.chores.later(self._catalogue.failed(report.recording_id, report.text))

    def finished(self, recording_id: str) -> None:
        """It can be played: it goes to the library."""
        recorded = self._kept.get(recording_id)
        if recorded is not None:
            recorded.reach(RecorderPhase.FINISHED)
        self.chores.later(self._file(recording_id))

    def look(self, now: float) -> None:
        """Try again what failed, if its time has come."""
        for recording_id in self._retries.due(now):
            self._retries.tried(recording_id, now)
            recorded = self._kept.get(recording_id)
            if recorded is not None:
                self._again(recorded)

    def again(self, recording_id: str, now: float) -> None:
        """Try once more, now: the button. Refuses (409) what is not at its end, or is gone."""
        recorded = self._kept.get(recording_id)
        if recorded is None and (self._folder / recording_id / JOURNAL).is_file():
            recorded = Recorded(recording_id, "", phase=RecorderPhase.NOT_FINISHED)
            self._kept[recording_id] = recorded
        if recorded is None or recorded.live:
            raise cannot_be_finished()
        self._retries.tried(recording_id, now)
        self._again(recorded)

    def _again(self, recorded: Recorded) -> None:
        if not recorded.reach(AGAIN.get(recorded.phase)):
            return  # it is being tried
        _log.info("a recording is finished again", recording=recorded.recording_id)
        self.chores.later(self._catalogue.finishing(recorded.recording_id))
        if recorded.recording_id in self._no_room:
            self._no_room.discard(recorded.recording_id)
            self._move_on(recorded.recording_id)  # on the next disk, if there is one with room
        self._tell_recorder(recorded)

    async def _file(self, recording_id: str) -> None:
        folder = self._folder / recording_id
        try:
            manifest = await asyncio.to_thread(read_manifest, folder)
        except ManifestError as error:
            report = c.RecordingFailed(recording_id=recording_id, code=error.code, text=str(error))
            self.failed(report, asyncio.get_running_loop().time())
            return
        if manifest is None:
            raise FileNotFoundError(folder / MANIFEST)
        await self._store.put(recording_id, folder, manifest.files)
        await self._catalogue.finished(recording_id, manifest)
        await asyncio.to_thread(mark_filed, folder)
        await asyncio.to_thread(release_carried, folder)
        self._retries.forget(recording_id)
        self._kept.pop(recording_id, None)


def cannot_be_finished() -> Refusal:
    """Its lesson goes on, or may; or nothing is left of it."""
    return Refusal(
        409,
        "cannot-be-finished",
        Text("这个录像现在无法整理。", "This recording cannot be finished now."),
    )
