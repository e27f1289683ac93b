"""Recordings that an earlier server left unfinished: found by their folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog

from recorder.recording_folder import JOURNAL, MANIFEST, read_recording
from recorder.records import Closed, Opened

_log = structlog.get_logger("tongke.recording")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A recording without a manifest. `closed`: its lesson is over."""

    recording_id: str
    lesson_id: str
    closed: bool


def find_leftovers(folder: Path) -> list[Leftover]:
    """Every unfinished recording under `folder`; what cannot be read is logged and left alone."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not (path / JOURNAL).is_file() or (path / MANIFEST).is_file():
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
        closed = any(isinstance(r, Closed) for r in records)
        # The folder's name, not the journal's word: it is what the catalogue knows.
        found.append(Leftover(path.name, opened.lesson_id, closed))
    return found
