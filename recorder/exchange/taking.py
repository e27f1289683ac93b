"""Taking an export in: read as if a stranger had made it, whole or not at all.

Only what `export.json` names is read, and each of it to its last byte: length and SHA-256 must fit.
It is written aside, synced, and stands as a recording of its own name, or nothing does. What stands
there already is never touched: the same recording again is well, another is refused.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder.checksums import Checksum, checksum_of
from recorder.errors import ExchangeError, ManifestError
from recorder.exchange.form import (
    ABOUT,
    LIBRARY,
    MOST_ABOUT_BYTES,
    MOST_LIBRARY_BYTES,
    RECORDING,
    ExportAbout,
    ExportedFile,
    read_about,
    read_library,
)
from recorder.exchange.sources import ExportSource, open_source
from recorder.manifest import MAX_MANIFEST_BYTES, read_manifest
from recorder.ownership import give_below
from recorder.recording_folder import MANIFEST, sync_folder
from recorder.unfinished_work import hold, sweep

ASIDE = ".import-"
# What is left to lessons that are recorded meanwhile, as for files that are made at a wish.
LEFT_FREE_BYTES = 3 << 30

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """A recording that stands. `stood` says that it did before."""

    recording_id: str
    stood: bool


def check_export(place: Path, tell: Tell = lambda _bytes: None) -> ExportAbout:
    """Read an export to its end. Raises `ExchangeError`, `OSError`."""
    with open_source(place) as source:
        about = _about(source)
        for one in about.files:
            for piece in _proved(source, one):
                tell(len(piece))
    return about


def look_into(place: Path) -> ExportAbout:
    """What an export says it is; nothing else of it is read. Raises as `check_export` does."""
    with open_source(place) as source:
        return _about(source)


def import_recording(
    place: Path,
    recordings: Path,
    tell: Tell = lambda _bytes: None,
    *,
    left_free_bytes: int = LEFT_FREE_BYTES,
) -> Taken:
    """Put the recording of an export into the recordings folder.

    Raises `ExchangeError`, `ManifestError` and `OSError`; nothing stays then.
    """
    with open_source(place) as source:
        about = _about(source)
        target = recordings / about.recording_id
        if os.path.lexists(target):
            _compare(about, target)
            return Taken(about.recording_id, stood=True)
        sweep(recordings, begins=ASIDE)
        space = os.statvfs(recordings)
        if space.f_bavail * space.f_frsize < about.bytes + left_free_bytes:
            raise ExchangeError("no-room", str(recordings))
        aside = recordings / f"{ASIDE}{secrets.token_hex(6)}"
        aside.mkdir(mode=0o700)
        held = hold(aside)
        try:
            _write(source, about, aside, tell)
            _look_over(about, aside)
            give_below(aside, like=recordings)
            _stand(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)  # renamed, if all went well
            os.close(held)
    return Taken(about.recording_id, stood=False)


def _about(source: ExportSource) -> ExportAbout:
    return read_about(_whole(source, ABOUT, MOST_ABOUT_BYTES))


def _whole(source: ExportSource, name: str, most: int) -> bytes:
    data = b""
    for piece in source.read(name):
        data += piece
        if len(data) > most:
            raise ExchangeError("export-unreadable", name, f"longer than {most} bytes")
    return data


def _proved(source: ExportSource, expected: Checksum) -> Iterator[bytes]:
    """A file's bytes; at their end it is known that they are what was exported."""
    digest, left = hashlib.sha256(), expected.bytes
    for piece in source.read(expected.file):
        left -= len(piece)
        if left < 0:
            break
        digest.update(piece)
        yield piece
    if left or digest.hexdigest() != expected.sha256:
        raise ExchangeError("wrong-bytes", expected.file)


def _held(one: ExportedFile, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What of a file belongs to the recording, proved by its own hash too."""
    if one.holds is None:
        yield from pieces
        return
    digest, before = hashlib.sha256(), one.holds.begins
    for piece in pieces:
        inside = piece[before:]
        before -= len(piece) - len(inside)
        if inside:
            digest.update(inside)
            yield inside
    if digest.hexdigest() != one.holds.sha256:
        raise ExchangeError("wrong-bytes", one.file)


def _write(source: ExportSource, about: ExportAbout, aside: Path, tell: Tell) -> None:
    for one in about.files:
        if one.file.startswith(RECORDING):
            path = aside / one.file.removeprefix(RECORDING)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("xb") as file:
                for piece in _held(one, _proved(source, one)):
                    file.write(piece)
                    tell(len(piece))
                file.flush()
                os.fsync(file.fileno())
        elif one.file == LIBRARY and one.bytes <= MOST_LIBRARY_BYTES:
            facts = read_library(b"".join(_proved(source, one)))
            (aside / LIBRARY).write_bytes(facts.json_bytes())
        else:
            for piece in _proved(source, one):
                tell(len(piece))


def _look_over(about: ExportAbout, aside: Path) -> None:
    """The manifest says what stands there, and nothing else does."""
    try:
        size = (aside / MANIFEST).stat().st_size
    except FileNotFoundError:
        raise ExchangeError("export-unreadable", MANIFEST, "it is not there") from None
    if size > MAX_MANIFEST_BYTES:
        raise ExchangeError("export-unreadable", MANIFEST, "it is too long")
    try:
        manifest = read_manifest(aside)
    except ManifestError as error:
        raise ExchangeError("export-unreadable", MANIFEST, error.code) from None
    if manifest is None:
        raise ExchangeError("export-unreadable", MANIFEST, "it is not there")
    held = {one.file: (one.bytes, one.sha256) for one in about.of_recording()}
    for name in sorted(manifest.files):
        if name not in held:
            raise ExchangeError("wrong-bytes", name)
    for one in manifest.checksums:
        if held.get(one.file) != (one.bytes, one.sha256):
            raise ExchangeError("wrong-bytes", one.file)
    if not (aside / LIBRARY).exists():
        # It is what tells the server that this came from elsewhere.
        (aside / LIBRARY).write_text("{}")


def _stand(aside: Path, target: Path) -> None:
    for folder in {path.parent for path in aside.rglob("*")}:
        sync_folder(folder)
    try:
        aside.rename(target)
    except OSError as error:
        if os.path.lexists(target):  # it came meanwhile
            raise ExchangeError("other-stands", target.name) from error
        raise
    sync_folder(target.parent)


def _compare(about: ExportAbout, target: Path) -> None:
    """Raises `ExchangeError` when another recording stands there."""
    for one in about.of_recording():
        path = target / one.file
        try:
            stands = not path.is_symlink() and path.stat().st_size == one.bytes
            found = checksum_of(path).sha256 if stands else ""
        except OSError:
            found = ""
        if found != one.sha256:
            raise ExchangeError("other-stands", target.name, one.file)
