"""What can be saved of a damaged recording is saved, and nothing that was there is gone afterwards.

Read back by ffprobe: how many frames of what was there a player finds.
"""

from __future__ import annotations

import errno
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
from tests.refusals import small_disk
from tests.unit.recorder.exchange.exported import contents, fragment, probed, record

PAGE = 4096  # a tmpfs gives room by pages
LIMIT = """
import io, resource, sys
from recorder import repair
sys.stdin = io.TextIOWrapper(io.BytesIO())
sys.stdout, out = io.StringIO(), sys.stdout
repair.main(sys.argv[1:])
print(resource.getrlimit(resource.RLIMIT_FSIZE)[0], file=out)
"""


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


def test_a_full_disk_is_told_and_nothing_is_left_however_far_it_came(
    made: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        folder = shutil.copytree(made / "finished", disk.folder / "rec1")
        cut(part_of(folder), 0.9)
        (folder / "poster.jpg").write_bytes(b"torn")
        before = contents(folder)
        refused = 0
        for pages in range(256):
            disk.leave(pages * PAGE)
            repair = repaired(folder)
            if not repair.faults:
                break
            refused += 1
            assert [one.code for one in repair.faults] == ["disk-full"], pages
            assert repair.done == []
            disk.clear()
            assert contents(folder) == before, pages
            assert not (folder / BEFORE_REPAIR).exists(), pages
    assert refused > 3
    assert {"part-saved", "poster-again"} <= set(done(repair))


@pytest.mark.parametrize("step", ["finish_locked", "write_manifest", "make_poster"])
def test_what_a_disk_refuses_late_is_put_back(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = copied(made, tmp_path, "with_tracks" if step == "finish_locked" else "finished")
    cut(part_of(folder), 0.9)
    (folder / "poster.jpg").write_bytes(b"torn")
    before = contents(folder)

    def refused(*_: object) -> None:
        if step == "finish_locked":
            (folder / "part-0001.mp4").write_bytes(b"half of it")
        raise OSError(errno.EROFS, "Read-only file system", str(folder / "x"))

    with monkeypatch.context() as patched:
        patched.setattr(f"recorder.repairing.{step}", refused)
        repair = Repair(folder)
        repair.run()
    assert [(one.code, one.file) for one in repair.faults] == [
        ("folder-unwritable", str(folder / "x"))
    ]
    assert contents(folder) == before
    assert repaired(folder).done, "and then it is done"


def test_a_long_part_may_be_written_again_where_no_tracks_are_left(
    made: Path, tmp_path: Path
) -> None:
    """What a recording's files may grow to was measured by its tracks, which are gone by then: of
    forty minutes nothing could be saved."""
    folder = copied(made, tmp_path)
    long = folder / "part-0009.mp4"
    with long.open("wb") as file:
        file.truncate(200 << 20)  # it takes no room
    told = subprocess.run(
        [sys.executable, "-c", LIMIT, folder], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) > 2 * long.stat().st_size


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
