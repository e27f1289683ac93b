"""Recordings that an earlier server left: found by their folders, whatever the database knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import structlog

from recorder.recording_folder import JOURNAL, MANIFEST, read_recording
from recorder.records import Closed, Opened

_log = structlog.get_logger("tongke.recording")

# Stands in a recording's folder when the catalogue has taken its manifest.
FILED = ".filed"


class Stage(Enum):
    """How far a recording came."""

    INTERRUPTED = "interrupted"  # its lesson may go on
    CLOSED = "closed"  # its lesson is over; it is to be finished
    FINISHED = "finished"  # it can be played; the catalogue may not know


@dataclass(frozen=True, slots=True)
class Leftover:
    """A recording that is not in the library yet, as far as its folder tells."""

    recording_id: str
    lesson_id: str
    started_at: float
    stage: Stage


def find_leftovers(folder: Path) -> list[Leftover]:
    """Every such recording under `folder`; what cannot be read is logged and left alone."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not (path / JOURNAL).is_file() or (path / FILED).is_file():
            continue
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
            stage = Stage.FINISHED
        elif any(isinstance(r, Closed) for r in records):
            stage = Stage.CLOSED
        else:
            stage = Stage.INTERRUPTED
        # The folder's name, not the journal's word: it is what the catalogue knows.
        found.append(Leftover(path.name, opened.lesson_id, opened.at, stage))
    return found


def mark_filed(folder: Path) -> None:
    """The catalogue has this recording's manifest: it is left alone from now on."""
    (folder / FILED).touch(mode=0o600)
