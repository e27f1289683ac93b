"""Recordings that an earlier server left: found by their folders, whatever the database knows.

Those that were interrupted go on with their lesson, if that goes on; else they are finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from recorder.archive import read_archive
from recorder.exchange.form import LIBRARY
from recorder.recording_folder import JOURNAL, MANIFEST, read_recording
from recorder.records import AnyRecord, Closed, Opened, Resumed
from server.recordings.phases import RecorderPhase
from server.recordings.recorded import Interruption

_log = structlog.get_logger("tongke.recording")

# Stands in a recording's folder when the catalogue has taken its manifest.
FILED = ".filed"

# How often it is looked whether the lesson of an interrupted recording has ended elsewhere (by
# the timetable, or while the server was down).
LEFTOVER_CHECK_S = 30.0

LessonLive = Callable[[str], Coroutine[Any, Any, bool]]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A recording that is not in the library yet, as far as its folder tells: `INTERRUPTED`,
    `FINISHING` (its lesson is over) or `FINISHED` (the catalogue may not know).
    """

    recording_id: str
    lesson_id: str
    started_at: float
    phase: RecorderPhase
    interruption: Interruption | None = None  # the last one up to now


class Leftovers:
    """The interrupted ones. `give_up` is called with those that will not go on."""

    def __init__(self, lesson_live: LessonLive, give_up: Callable[[Leftover], None]) -> None:
        self._lesson_live = lesson_live
        self._give_up = give_up
        self._by_lesson: dict[str, Leftover] = {}

    def add(self, found: Leftover) -> None:
        """Of several of one lesson only the newest may go on."""
        other = self._by_lesson.get(found.lesson_id, found)
        older, newest = sorted((found, other), key=lambda leftover: leftover.started_at)
        self._by_lesson[found.lesson_id] = newest
        if older is not newest:
            self._give_up(older)

    def pop(self, lesson_id: str) -> Leftover | None:
        """The one that goes on with this lesson."""
        return self._by_lesson.pop(lesson_id, None)

    def holds(self, recording_id: str) -> bool:
        """Whether this recording may still go on."""
        return any(one.recording_id == recording_id for one in self._by_lesson.values())

    async def look_after(self) -> None:
        """Give up those whose lesson will not go on."""
        while self._by_lesson:
            for lesson_id, leftover in list(self._by_lesson.items()):
                try:
                    if await self._lesson_live(lesson_id):
                        continue
                except Exception:  # asked again at the next look; the others are looked at
                    _log.exception("is the lesson still live?", lesson=lesson_id)
                    continue
                if self._by_lesson.pop(lesson_id, None) is not None:
                    self._give_up(leftover)
            await asyncio.sleep(LEFTOVER_CHECK_S)


def find_leftovers(folder: Path, now: float) -> list[Leftover]:
    """Every such recording under `folder`; what cannot be read is logged and left alone."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name[0] == "." or not (path / JOURNAL).is_file() or (path / FILED).is_file():
            continue
        if (path / LIBRARY).is_file() and (path / MANIFEST).is_file():
            continue  # it came in from elsewhere (`imported`)
        try:
            records = read_recording(path)
        except OSError as error:
            _log.error("a recording cannot be read", folder=str(path), why=str(error))
            continue
        opened = next((r for r in records if isinstance(r, Opened)), None)
        if opened is None:
            _log.error("a recording's journal does not say its lesson", folder=str(path))
            continue
        if (path / MANIFEST).is_file():
            phase = RecorderPhase.FINISHED
        elif any(isinstance(r, Closed) for r in records):
            phase = RecorderPhase.FINISHING
        else:
            phase = RecorderPhase.INTERRUPTED
        # The folder's name, not the journal's word: it is what the catalogue knows.
        interruption = _interruption(records, now) if phase is RecorderPhase.INTERRUPTED else None
        found.append(Leftover(path.name, opened.lesson_id, opened.at, phase, interruption))
    return found


def _interruption(records: list[AnyRecord], now: float) -> Interruption | None:
    """The last one that the journal will tell when the recording goes on from now."""
    pauses = [one for one in read_archive([*records, Resumed(at=now)]).pauses if not one.wished]
    return Interruption(pauses[-1].code, pauses[-1].text, over=True) if pauses else None


def mark_filed(folder: Path) -> None:
    """The catalogue has this recording's manifest: it is left alone from now on."""
    (folder / FILED).touch(mode=0o600)
