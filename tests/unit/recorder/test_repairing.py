"""What can be saved of a damaged recording is saved, and nothing that was there is gone afterwards.

Read back by ffprobe: how many frames of what was there a player finds.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.checksums import checksum_of
from recorder.manifest import Manifest, read_manifest
from recorder.recording_folder import JOURNAL, MANIFEST, lock_journal
from recorder.repairing import BEFORE_REPAIR, FILED, Repair
from recorder.verification import ArchiveCondition, verify
from tests.unit.recorder.exchange.exported import contents, fragment, probed, record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished recording, and beside it the same with its tracks kept."""
    root = tmp_path_factory.mktemp("made")
    record(root / "unfinished", finish=False)
    shutil.copytree(root / "unfinished", root / "finished")
    shutil.copytree(root / "unfinished", root / "with_tracks")
    for name, more in (("finished", []), ("with_tracks", ["--keep-tracks"])):
        subprocess.run([sys.executable, "-m", "recorder.finish", root / name, *more], check=True)
    return root


def copied(made: Path, tmp_path: Path, name: str = "finished") -> Path:
    folder = shutil.copytree(made / name, tmp_path / "rec1")
    (folder / FILED).touch()
    return folder


def repaired(folder: Path, known: Manifest | None = None) -> Repair:
    """Whatever was there is there afterwards too: here, or in `before_repair`."""
    before = Counter(contents(folder).values())
    repair = Repair(folder, known)
    repair.run()
    after = Counter(contents(folder).values())
    lost = before - after
    assert not [data for data in lost if data], "something is gone"
    return repair


def done(repair: Repair) -> list[str]:
    return [one.code for one in repair.done]


def frames(folder: Path) -> int:
    """H.264 frames in what the manifest names."""
    manifest = read_manifest(folder)
    assert manifest is not None
    return sum(
        int(stream["nb_read_packets"])
        for part in manifest.parts
        for stream in probed(folder / part.file)["streams"]
        if stream["codec_name"] == "h264"
    )


def part_of(folder: Path) -> Path:
    return sorted(folder.glob("part-*.mp4"))[0]


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])


@pytest.mark.parametrize("name", ["finished", "with_tracks", "unfinished"])
def test_what_is_whole_or_not_finished_is_left_alone(made: Path, tmp_path: Path, name: str) -> None:
    folder = copied(made, tmp_path, name)
    before = contents(folder)
    repair = repaired(folder)
    assert (repair.done, repair.faults, contents(folder)) == ([], [], before)


@pytest.mark.parametrize("in_fragments", [False, True], ids=["one file", "fragments"])
@pytest.mark.parametrize("share", [0.9, 0.5])
def test_of_a_part_that_was_cut_off_its_beginning_is_saved(
    made: Path, tmp_path: Path, share: float, *, in_fragments: bool
) -> None:
    folder = copied(made, tmp_path)
    if in_fragments:
        fragment(folder)
    whole = frames(folder)
    cut(part_of(folder), share)
    assert done(repaired(folder))[0] == "part-saved"
    found = verify(folder)
    assert found.condition is ArchiveCondition.INCOMPLETE
    assert "is saved" in found.faults[0]
    # What was cut off the end of a fragment may have been sound alone.
    assert whole * (share / 2 + 0.3) < frames(folder) <= whole
    assert not (folder / FILED).exists(), "the library is to take it up again"
    assert repaired(folder).done == [], "there is nothing more to do"


def test_with_its_tracks_nothing_is_lost(made: Path, tmp_path: Path) -> None:
    folder = copied(made, tmp_path, "with_tracks")
    whole = frames(folder)
    part_of(folder).unlink()
    assert done(repaired(folder)) == ["finished-again"]
    assert (verify(folder).condition, frames(folder)) == (ArchiveCondition.WHOLE, whole)
    assert list((folder / "tracks").iterdir())


def test_where_only_some_tracks_are_left_the_parts_are_not_given_up(
    made: Path, tmp_path: Path
) -> None:
    folder = copied(made, tmp_path, "with_tracks")
    sorted((folder / "tracks").iterdir())[0].unlink()
    cut(part_of(folder), 0.9)
    assert "part-saved" in done(repaired(folder))
    assert len(json.loads((folder / MANIFEST).read_text())["parts"]) == 2


def test_a_torn_manifest_comes_back_from_the_library(made: Path, tmp_path: Path) -> None:
    folder = copied(made, tmp_path)
    known = read_manifest(folder)
    cut(folder / MANIFEST, 0.7)
    assert done(repaired(folder, known)) == ["manifest-from-library"]
    assert verify(folder).condition is ArchiveCondition.WHOLE


def test_a_torn_manifest_without_a_library_is_made_from_what_plays(
    made: Path, tmp_path: Path
) -> None:
    folder = copied(made, tmp_path)
    whole = frames(folder)
    cut(folder / MANIFEST, 0.7)
    assert done(repaired(folder)) == ["manifest-from-parts"]
    assert (verify(folder).condition, frames(folder)) == (ArchiveCondition.INCOMPLETE, whole)


def test_a_journal_without_its_first_line_is_read_all_the_same(made: Path, tmp_path: Path) -> None:
    folder = copied(made, tmp_path, "unfinished")
    lines = (folder / JOURNAL).read_bytes().split(b"\n")
    (folder / JOURNAL).write_bytes(b"\n".join([b"x" + lines[0], *lines[1:]]))
    assert verify(folder).condition is ArchiveCondition.UNREADABLE
    assert done(repaired(folder)) == ["journal-rebuilt", "finished-again"]
    assert frames(folder) > 150


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(6))
def test_bytes_that_changed_are_told_and_the_rest_plays(
    made: Path, tmp_path: Path, seed: int
) -> None:
    folder, rng = copied(made, tmp_path), random.Random(seed)
    path = rng.choice([*sorted(folder.glob("part-*.mp4")), folder / "poster.jpg"])
    data = bytearray(path.read_bytes())
    for _ in range(20):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    others = {one.name: checksum_of(one) for one in folder.glob("part-*.mp4") if one != path}
    repair = repaired(folder)
    assert repair.done
    assert verify(folder).condition in {ArchiveCondition.WHOLE, ArchiveCondition.INCOMPLETE}
    assert {name: checksum_of(folder / name) for name in others} == others


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: [path.write_bytes(b"") for path in folder.glob("part-*")],
        lambda folder: [path.unlink() for path in folder.glob("part-*")],
        lambda folder: [path.unlink() for path in folder.iterdir()],
    ],
    ids=["empty files", "no files", "an empty folder"],
)
def test_where_nothing_plays_all_stays_as_it_was(
    made: Path, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    folder = copied(made, tmp_path)
    harm(folder)
    before = contents(folder)
    repair = repaired(folder)
    assert [one.code for one in repair.faults] == ["nothing-to-save"]
    assert contents(folder) == before


def test_a_newer_versions_recording_and_one_at_work_are_left_alone(
    made: Path, tmp_path: Path
) -> None:
    folder = copied(made, tmp_path)
    members = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(members | {"version": 2}))
    before = contents(folder)
    assert [one.code for one in repaired(folder).faults] == ["newer"]
    assert contents(folder) == before
    unfinished = shutil.copytree(made / "unfinished", tmp_path / "rec2")
    with (unfinished / JOURNAL).open("rb+") as journal:
        lock_journal(journal.fileno(), unfinished)
        assert [one.code for one in repaired(unfinished).faults] == ["at-work"]
    assert not (unfinished / BEFORE_REPAIR).exists()
