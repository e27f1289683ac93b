"""What stands in a recording's folder, and whether it still is what was finished.

Only reads. `look` opens journal and manifest; `verify` reads every file that the manifest names and
compares it with the checksum that was taken when it was finished. A recording of an earlier
recorder has no checksums: that its files are there is all that can be said of it, and it is said.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from recorder.checksums import Checksum, checksum_of
from recorder.errors import ManifestError
from recorder.manifest import Manifest, read_manifest
from recorder.recording_folder import JOURNAL, read_recording
from recorder.records import Opened
from recorder.stored_pieces import LedgerError, read_ledger


class ArchiveCondition(StrEnum):
    """How a recording stands, from best to worst."""

    WHOLE = "whole"  # it can be played, and nothing that was recorded is missing
    INCOMPLETE = "incomplete"  # it can be played; the manifest tells what is missing
    RECORDING = "recording"  # a recorder, or finishing, is at work on it
    UNFINISHED = "unfinished"  # nothing plays it yet
    DAMAGED = "damaged"  # a file is not there, or not what it was
    UNREADABLE = "unreadable"  # neither journal nor manifest says what it is


@dataclass(frozen=True, slots=True)
class Verified:
    """A recording as it stands. `bytes` is what its files take; `faults` say what is wrong,
    `unproved` names the files of which no checksum was taken, `elsewhere` those that lie in an
    object store alone, where each byte was read back before it was released here.
    """

    recording_id: str
    condition: ArchiveCondition
    lesson_id: str = ""
    title: str = ""
    started_at: float | None = None
    duration_s: float | None = None
    bytes: int = 0
    faults: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def look(folder: Path) -> Verified:
    """What journal and manifest say, and whether the files that they name are there."""
    found = Verified(folder.name, ArchiveCondition.UNREADABLE, bytes=_bytes_below(folder))
    try:
        manifest = read_manifest(folder)
    except (ManifestError, OSError) as error:
        return replace(found, faults=(str(error),))
    if manifest is None:
        return _unfinished(folder, found)
    absent = [name for name in sorted(manifest.files) if not (folder / name).is_file()]
    stored = elsewhere(folder, manifest)
    absent = [name for name in absent if name not in stored]
    condition = ArchiveCondition.INCOMPLETE if manifest.lack else ArchiveCondition.WHOLE
    return replace(
        found,
        condition=ArchiveCondition.DAMAGED if absent else condition,
        lesson_id=manifest.lesson_id,
        title=manifest.title,
        started_at=manifest.started_at,
        duration_s=manifest.duration_s,
        faults=tuple(f"{name} is not there" for name in absent),
        elsewhere=tuple(sorted(stored)),
    )


def elsewhere(folder: Path, manifest: Manifest) -> frozenset[str]:
    """Its files that lie in an object store and not here, as they were finished."""
    try:
        ledger = read_ledger(folder)
    except (LedgerError, OSError):
        return frozenset()
    taken = {one.file: one.sha256 for one in manifest.checksums}
    return frozenset(
        name
        for name in manifest.files
        if name in ledger.released
        and name in ledger.whole
        and taken.get(name) in (None, ledger.whole[name])
        and not (folder / name).is_file()
    )


def verify(folder: Path, tell: Callable[[int], None] = lambda _read: None) -> Verified:
    """`look`, and every file read to its end. `tell` is called with the bytes of each one read."""
    found = look(folder)
    if found.condition not in {
        ArchiveCondition.WHOLE,
        ArchiveCondition.INCOMPLETE,
        ArchiveCondition.DAMAGED,
    }:
        return found
    manifest = read_manifest(folder)
    if manifest is None:
        return look(folder)  # it was taken away between the two looks
    faults, unproved = list(found.faults), []
    taken = {checksum.file: checksum for checksum in manifest.checksums}
    for name in sorted(manifest.files):
        if not (folder / name).is_file():
            continue
        expected = taken.get(name)
        if expected is None:
            unproved.append(name)
            continue
        fault = _compare(folder / name, expected)
        tell(expected.bytes)
        if fault:
            faults.append(fault)
    return replace(
        found,
        condition=ArchiveCondition.DAMAGED if faults else found.condition,
        faults=(*faults, *(_lacks(manifest) if not faults else ())),
        unproved=tuple(unproved),
    )


def _compare(path: Path, expected: Checksum) -> str:
    """Why the file is not what was finished; empty if it is."""
    try:
        found = checksum_of(path)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"
    if found.bytes != expected.bytes:
        return f"{path.name} is {found.bytes} bytes long, not {expected.bytes}"
    if found.sha256 != expected.sha256:
        return f"{path.name} is not what was finished: its SHA-256 is {found.sha256}"
    return ""


def _lacks(manifest: Manifest) -> tuple[str, ...]:
    return (manifest.lack,) if manifest.lack else ()


def _unfinished(folder: Path, found: Verified) -> Verified:
    try:
        records = read_recording(folder)
    except OSError as error:
        return replace(found, faults=(f"{JOURNAL} cannot be read: {error.strerror or error}",))
    opened = next((record for record in records if isinstance(record, Opened)), None)
    if opened is None:
        return replace(found, faults=(f"{JOURNAL} does not say what was recorded",))
    at_work = _is_at_work(folder)
    return replace(
        found,
        condition=ArchiveCondition.RECORDING if at_work else ArchiveCondition.UNFINISHED,
        lesson_id=opened.lesson_id,
        title=opened.title,
        started_at=opened.at,
    )


def _is_at_work(folder: Path) -> bool:
    """Whether somebody holds the journal, as recorder and finishing do."""
    try:
        with (folder / JOURNAL).open("rb") as journal:
            fcntl.flock(journal, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False  # it went meanwhile
    return False


def _bytes_below(folder: Path) -> int:
    """What its files take; what goes meanwhile, or cannot be looked into, counts for nothing."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += (Path(place) / name).lstat().st_size
    return size


def told(found: Verified) -> str:
    """As one line of JSON: the fields by their names."""
    members = {
        "recording_id": found.recording_id,
        "condition": found.condition.value,
        "lesson_id": found.lesson_id,
        "title": found.title,
        "started_at": found.started_at,
        "duration_s": found.duration_s,
        "bytes": found.bytes,
        "faults": list(found.faults),
        "unproved": list(found.unproved),
        "elsewhere": list(found.elsewhere),
    }
    return json.dumps(members, ensure_ascii=False)
