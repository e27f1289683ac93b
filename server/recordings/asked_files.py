"""Which files of lessons were asked for and are not there yet: written down beside them.

A server that is killed, or stopped, makes none of them any further, and the next one knows no order
of theirs. By these notes it says so to whoever looks. A note is an empty promise of one file, and
holds the moment at which it was asked for (Unix, seconds).
"""

from __future__ import annotations

import shutil
from pathlib import Path

_ENDING = ".asked"


def note_of(path: Path) -> Path:
    """Where it stands that this file is wanted."""
    return path.with_name(f".{path.name}{_ENDING}")


def note(path: Path, at: float) -> None:
    """This file is wanted since then. Makes the folder; raises `OSError`."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    note_of(path).write_text(repr(at), encoding="ascii")


def left_by_another(folder: Path, now: float) -> dict[str, float]:
    """Removes all but the notes; names of files that were wanted, and since when.

    What the disk refuses is left there.
    """
    asked = {}
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        name = path.name.removeprefix(".").removesuffix(_ENDING)
        if path == note_of(folder / name) and path.is_file():
            asked[name] = _since(path, now)
        else:
            _removed(path)
    if not asked:
        shutil.rmtree(folder, ignore_errors=True)
    return asked


def _since(path: Path, now: float) -> float:
    """No later than now: a clock may have been set back, a kill have left half a number."""
    try:
        return min(now, float(path.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return now


def _removed(path: Path) -> None:
    try:
        path.unlink()
    except OSError:  # a folder, or it stays
        shutil.rmtree(path, ignore_errors=True)
