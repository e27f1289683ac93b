"""Killed in the middle of putting aside and bringing back: nothing is lost, and it goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from recorder.checksums import checksum_of
from recorder.manifest import manifest_from, read_manifest, write_manifest
from recorder.put_aside import WHOLE, bring_back, put_aside, whole_manifest
from recorder.recording_folder import MANIFEST

KILLS = 40
LONGEST_S = 0.02  # some turns of putting aside and bringing back
PART = {
    "part_id": "p1", "seat_id": "lead", "source": "teacher", "name": "Li", "school": "",
    "start_s": 0.0, "mime": "video/mp4", "duration_s": 60.0, "has_video": True, "has_audio": True,
}  # fmt: skip


def made(folder: Path) -> None:
    folder.mkdir()
    for name in ("part-1.mp4", "part-2.mp4"):
        (folder / name).write_bytes(name.encode() * 1000)
    program = {"part_id": "p2", "seat_id": "program", "source": "program"}
    members = {
        "started_at": 1.0,
        "duration_s": 60.0,
        "parts": [PART | {"file": "part-1.mp4"}, PART | program | {"file": "part-2.mp4"}],
        "checksums": [checksum_of(path).model_dump() for path in sorted(folder.glob("part-*"))],
    }
    write_manifest(folder, manifest_from(members, where="this test"))


def killed_after(seconds: float, folder: Path) -> None:
    """A process that does nothing else, and SIGKILL."""
    pid = os.fork()
    if pid == 0:
        try:
            while True:
                put_aside(folder)
                bring_back(folder)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "it was at work until it was killed"


def test_whoever_is_killed_leaves_a_recording_that_can_be_whole(tmp_path: Path) -> None:
    folder, rng = tmp_path / "rec1", random.Random(15)
    made(folder)
    whole = (folder / MANIFEST).read_bytes()
    films = {path: path.read_bytes() for path in folder.glob("part-*")}
    seen = set()
    for _ in range(KILLS):
        killed_after(rng.uniform(0, LONGEST_S), folder)
        standing = read_manifest(folder)
        assert standing is not None, "there is always one that plays"
        aside = whole_manifest(folder)
        seen.add((len(standing.parts), aside is not None))
        assert len((aside or standing).parts) == 2
        assert {path: path.read_bytes() for path in films} == films
    assert len(seen) > 1, "not always between the same two steps"
    put_aside(folder)
    assert (folder / WHOLE).read_bytes() == whole
    bring_back(folder)
    assert (folder / MANIFEST).read_bytes() == whole
    assert {path.name for path in folder.iterdir()} == {MANIFEST, "part-1.mp4", "part-2.mp4"}
