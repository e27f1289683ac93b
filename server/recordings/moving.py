"""A recording that goes on on another disk: its journal comes along, its tracks stay behind.

The new folder has a copy of the journal and a link to each track that was written so far; the link
in the recordings folder is set to it last. `.carried` in the new folder names the folders that hold
what was written before; they go when the recording is finished, which copies all of them.

    recordings/ID ─────────► second/ID/journal.jsonl, tracks/new.mp4
    recordings/.carried-ID ◄──────────┘ tracks/old.mp4 (a link), .carried
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

from recorder.recording_folder import JOURNAL, TRACKS, sync_folder

CARRIED = ".carried"
_COMING = ".coming-"  # the link that is about to be set


def move(place: Path, new: Path) -> None:
    """`place` is a recording in the recordings folder, or a link there; `new` is not there yet.

    Raises `OSError`: then `place` is what it was.
    """
    old = place.resolve()
    # A link that stands is set anew at once; a folder must first make way.
    aside = old if place.is_symlink() else place.with_name(f"{CARRIED}-{place.name}")
    coming = place.with_name(_COMING + place.name)
    (new / TRACKS).mkdir(mode=0o700, parents=True)
    try:
        _write(new / JOURNAL, (old / JOURNAL).read_bytes())
        for track in sorted((old / TRACKS).iterdir()):
            there = track.resolve() if track.is_symlink() else aside / TRACKS / track.name
            (new / TRACKS / track.name).symlink_to(there)
        carried = [*carried_by(old), str(aside)]
        _write(new / CARRIED, json.dumps(carried).encode())
        sync_folder(new / TRACKS)
        sync_folder(new)
        coming.unlink(missing_ok=True)
        coming.symlink_to(new)
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if aside != old:
        place.rename(aside)
    coming.rename(place)
    sync_folder(place.parent)
    with contextlib.suppress(OSError):
        (aside / JOURNAL).unlink()  # there is one journal


def settle(recordings: Path) -> None:
    """What a crash has cut in two: a move that was nearly done is done, another is undone."""
    for coming in recordings.glob(f"{_COMING}*") if recordings.is_dir() else ():
        place = coming.with_name(coming.name.removeprefix(_COMING))
        if os.path.lexists(place):
            shutil.rmtree(coming.resolve(), ignore_errors=True)
            coming.unlink()
        else:
            coming.rename(place)


def carried_by(folder: Path) -> list[str]:
    """The folders on other disks that hold what a recording wrote before it moved."""
    try:
        found = json.loads((folder / CARRIED).read_bytes())
    except (OSError, ValueError):
        return []
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def release_carried(folder: Path, *, kept_tracks: bool = True) -> None:
    """They go, unless tracks are still kept for what is in no part."""
    if kept_tracks and (folder / TRACKS).exists():
        return
    for one in carried_by(folder):
        path = Path(one)
        # Only what a move has named so: the file lies among what anybody may have written.
        if path.name in {folder.name, f"{CARRIED}-{folder.name}"} and path != folder.resolve():
            shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        (folder / CARRIED).unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        path.chmod(0o600)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
