"""Finishing: from a closed recording's journal and tracks to what the player plays.

    python -m recorder.finish FOLDER [--keep-tracks]

Reads the journal, puts every track on the lesson's time line, plans the parts, copies frames into
them without encoding, makes the poster, writes `manifest.json` last (`recorder.finish_steps`), and
then removes the tracks (the parts, read back, hold all of them). If it was cut short it goes on
behind the last part that stands; if the manifest stands it does nothing. A manifest that stands and
cannot be read is told, and nothing is touched.

What the journal names and no part holds is told in the manifest's `missing`, the tracks are kept
then, and the exit status is 3. When there is nothing to play it is 1. Either way the last line of
output is `{"code": …, "text": …}`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from recorder.archive import read_archive
from recorder.errors import FinishError, ManifestError, RecorderError, StorageError
from recorder.finish_steps import STEPS, FinishingWork, say_what_stands
from recorder.finishing import EXIT_MISSING, tracks_bytes
from recorder.manifest import Manifest, read_manifest
from recorder.recording_folder import JOURNAL, TRACKS, lock_journal, read_with_damage

# Every lesson on the machine goes first; on one that is busy all the time a tenth is left for it,
# so that it comes to its end.
NICENESS = 10

# No file of ours is twice as long as all that was recorded, but for an index and the silence
# between words (a kilobyte a second, in a day a hundred megabytes). A fault may fill no disk.
MOST_OVERHEAD_BYTES = 128 << 20


def finish(folder: Path, *, keep_tracks: bool = False) -> Manifest:
    """Make the recording in `folder` playable; gives its manifest, as it stands.

    Raises `FinishError` when there is nothing to play, `StorageError` when the disk refuses, and
    `ManifestError` when a manifest stands that cannot be read.
    """
    try:
        journal = os.open(folder / JOURNAL, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise FinishError("no-journal", f"There is no recording in {folder}.") from error
    try:
        lock_journal(journal, folder)
        manifest = read_manifest(folder) or finish_locked(folder)
        if not keep_tracks and not manifest.needs_tracks:
            shutil.rmtree(folder / TRACKS, ignore_errors=True)
    except OSError as error:
        raise StorageError.from_os(error, folder) from error
    finally:
        os.close(journal)
    return manifest


def finish_locked(folder: Path) -> Manifest:
    """The same for who holds the journal's lock; tracks are left. No manifest may stand."""
    work = FinishingWork(folder, read_archive(*read_with_damage(folder)))
    for step in STEPS:
        step(work)
    return say_what_stands(work)


def give_way() -> None:
    """Let all else on the machine go first, a live lesson above all.

    Where the kernel shares by session (sched(7), "The autogroup feature"), who has one of its own,
    as the recorder's children have, is not nicer to others until the session is.
    """
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # this kernel groups no sessions
            Path("/proc/self/autogroup").write_text(str(NICENESS))


def limit_output(read_bytes: int) -> None:
    """Let no file we write grow beyond what we read explains (setrlimit(2), RLIMIT_FSIZE)."""
    most = 2 * read_bytes + MOST_OVERHEAD_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def main(arguments: list[str]) -> int:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m recorder.finish")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep-tracks", action="store_true")
    options = parser.parse_args(arguments)
    give_way()
    limit_output(tracks_bytes(options.folder))
    status = 1
    try:
        manifest = finish(options.folder, keep_tracks=options.keep_tracks)
    except (FinishError, StorageError, ManifestError) as error:
        answer = {"code": error.code, "text": str(error)}
    except RecorderError as error:
        answer = {"code": "finish-failed", "text": str(error)}
    else:
        if not manifest.is_missing_something:
            return 0
        status = EXIT_MISSING
        text = "The recording can be played, but not all of it; see `missing` in its manifest."
        answer = {"code": "something-missing", "text": text}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
