"""Several disks for recordings: a new one goes where there is room, in the order of the settings.

All stand in the one recordings folder all the same: one that lies on a further disk is a link
there, made before its recording begins. So whoever reads, checks, copies or removes recordings
needs to know of one folder only. A recording stays on the disk on which it began.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import structlog

from recorder.exchange.form import LIBRARY
from recorder.recording_folder import JOURNAL
from server.database.free_space import free_bytes
from server.recordings.moving import move, release_carried

_log = structlog.get_logger("tongke.recording")

# Forty minutes of five pictures are some three gigabytes, and finishing them takes as much again.
ROOM_BYTES = 8 << 30


class RecordingPlaces:
    """`folder` is where all recordings stand, `further` the folders on other disks."""

    def __init__(
        self, folder: Path, further: Sequence[Path] = (), *, room_bytes: int = ROOM_BYTES
    ) -> None:
        self._folder = folder
        self._further = tuple(further)
        self._room_bytes = room_bytes

    def prepare(self, recording_id: str) -> None:
        """Choose where a recording that is about to begin will lie; one that stands stays there.

        Where no disk has room it goes to the first, and pauses there as on any full disk.
        """
        place = self._folder / recording_id
        if not self._further or os.path.lexists(place) or self._has_room(self._folder):
            return
        for root in self._further:
            if not self._has_room(root):
                continue
            try:
                (root / recording_id).mkdir(mode=0o700)
                place.symlink_to(root.resolve() / recording_id)
            except OSError as error:
                _log.warning("a folder takes no recording", folder=str(root), why=str(error))
                continue
            _log.info("a recording goes to a further folder", recording=recording_id, to=str(root))
            return

    def move_on(self, recording_id: str) -> bool:
        """Let a recording go on on the next disk that has room; whether it does.

        Nobody may be writing to it. Where its own disk does not give its journal it stays.
        """
        place = self._folder / recording_id
        roots = (self._folder, *self._further)
        here = place.resolve().parent
        at = next((n for n, root in enumerate(roots) if root.resolve() == here), 0)
        for root in roots[at + 1 :]:
            if not self._has_room(root):
                continue
            try:
                move(place, root.resolve() / recording_id)
            except OSError as error:
                _log.warning("a recording cannot move", recording=recording_id, why=str(error))
                continue
            _log.info(
                "a recording goes on in a further folder", recording=recording_id, to=str(root)
            )
            return True
        return False

    def _has_room(self, root: Path) -> bool:
        try:
            return root.is_dir() and free_bytes(root) >= self._room_bytes
        except OSError:
            return False


def remove_recording(place: Path) -> None:
    """With all that lies there, on whichever disks; what cannot be removed is left.

    What would have the rest taken for a recording to be finished or taken in goes first: whoever is
    killed over it leaves none.
    """
    for name in (JOURNAL, LIBRARY):
        with contextlib.suppress(OSError):
            (place / name).unlink()
    release_carried(place, kept_tracks=False)
    if place.is_symlink():
        target = place.resolve()
        shutil.rmtree(target, ignore_errors=True)
        if target.parent.is_dir() and not target.exists():  # else its disk is away
            place.unlink(missing_ok=True)
        return
    shutil.rmtree(place, ignore_errors=True)
