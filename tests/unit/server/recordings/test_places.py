"""A full disk gives way to the next, and what lies there is one recording among all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recorder.recording_folder import JOURNAL, MANIFEST
from recorder.verification import ArchiveCondition, verify
from server.archive_cli import archive
from server.recordings import places
from server.recordings.leftovers import find_leftovers
from server.recordings.moving import release_carried, settle
from server.recordings.places import RecordingPlaces, remove_recording
from server.recordings.store import FolderStore
from tests.unit.recorder.exchange.exported import record

GIB = 1 << 30


@pytest.fixture
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[Path, int]:
    """Three disks and what each has left; the recordings stand on the first."""
    free = {tmp_path / name: 100 * GIB for name in ("recordings", "second", "third")}
    for root in free:
        root.mkdir()
    monkeypatch.setattr(places, "free_bytes", lambda root: free[root])
    return free


def begun(disks: dict[Path, int], name: str) -> Path:
    """On which disk this recording begins."""
    first, *further = disks
    RecordingPlaces(first, further).prepare(name)
    return (first / name).resolve().parent


def test_a_full_disk_gives_way_to_the_next_that_has_room(disks: dict[Path, int]) -> None:
    first, second, third = disks
    assert begun(disks, "a") == first
    disks[first] = 7 * GIB
    assert begun(disks, "b") == second
    disks[second] = 0
    assert begun(disks, "c") == third
    disks[first] = 100 * GIB
    assert begun(disks, "d") == first
    assert begun(disks, "b") == second, "what has begun stays where it is"
    disks.update(dict.fromkeys(disks, 0))
    assert begun(disks, "e") == first, "where it waits as on any full disk"


def test_a_disk_that_is_away_or_refuses_is_passed_over(disks: dict[Path, int]) -> None:
    first, second, third = disks
    disks[first] = 0
    second.rmdir()
    assert begun(disks, "a") == third
    second.mkdir()
    (second / "b").mkdir()  # something else bears the name there
    assert begun(disks, "b") == third


def begun_with_a_track(disks: dict[Path, int]) -> Path:
    """A recording on the first disk that is under way; where it stands."""
    first, *_ = disks
    place = first / "rec1"
    (place / "tracks").mkdir(parents=True)
    (place / "tracks" / "a.mp4").write_bytes(b"first")
    (place / JOURNAL).write_bytes(b"one")
    return place


def test_it_moves_from_disk_to_disk_and_each_track_stays(disks: dict[Path, int]) -> None:
    first, second, third = disks
    place = begun_with_a_track(disks)
    moving = RecordingPlaces(first, (second, third))
    assert moving.move_on("rec1")
    assert place.resolve() == second / "rec1"
    (place / "tracks" / "b.mp4").write_bytes(b"second")
    with (place / JOURNAL).open("ab") as journal:
        journal.write(b" two")
    assert moving.move_on("rec1")
    assert place.resolve() == third / "rec1"
    (place / "tracks" / "c.mp4").write_bytes(b"third")
    found = {path.name: path.read_bytes() for path in (place / "tracks").iterdir()}
    assert found == {"a.mp4": b"first", "b.mp4": b"second", "c.mp4": b"third"}
    assert (place / JOURNAL).read_bytes() == b"one two"
    assert len(list(first.rglob(JOURNAL)) + list(second.rglob(JOURNAL))) == 0, "there is one"
    assert not moving.move_on("rec1"), "there is no next"
    assert find_leftovers(first, 0.0) == [], "nothing of it is taken for another"
    release_carried(place)
    assert (place / "tracks" / "a.mp4").exists(), "while tracks are kept, so is what they lead to"
    remove_recording(place)
    assert [path for root in disks for path in root.iterdir()] == []


@pytest.mark.parametrize("step", ["symlink_to", "rename"])
def test_a_move_that_does_not_come_to_its_end_leaves_one_recording(
    disks: dict[Path, int], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk refuses at any call of the move, or the server is killed there."""
    first, second, _ = disks
    real = getattr(Path, step)
    for refused_at in range(1, 4):
        place = begun_with_a_track(disks)
        calls = 0

        def refuses(self: Path, *rest: Path) -> object:
            nonlocal calls
            calls += 1
            if calls == refused_at:  # noqa: B023 - called within its turn
                raise KeyboardInterrupt  # as a kill: nothing is tidied up
            return real(self, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(Path, step, refuses)
            try:
                RecordingPlaces(first, (second,)).move_on("rec1")
            except KeyboardInterrupt:
                settle(first)
        assert (place / JOURNAL).read_bytes() == b"one"
        assert (place / "tracks" / "a.mp4").read_bytes() == b"first"
        remove_recording(place)
        for root in disks:
            for path in root.iterdir():
                shutil.rmtree(path)


def test_a_journal_that_cannot_be_read_stays_where_it_is(disks: dict[Path, int]) -> None:
    first, second, _ = disks
    place = begun_with_a_track(disks)
    (place / JOURNAL).unlink()
    assert not RecordingPlaces(first, (second,)).move_on("rec1")
    assert (place / "tracks" / "a.mp4").read_bytes() == b"first"
    assert not list(second.iterdir())


async def test_it_is_recorded_read_checked_and_removed_as_any_other(
    disks: dict[Path, int], tmp_path: Path
) -> None:
    first, second, _ = disks
    disks[first] = 0
    assert begun(disks, "rec1") == second
    record(first / "rec1", seconds=1.0)
    assert (second / "rec1" / MANIFEST).is_file()
    assert verify(first / "rec1").condition is ArchiveCondition.WHOLE
    said = CliRunner().invoke(archive, ["list", "--json", "--data-folder", str(tmp_path)])
    assert (said.exit_code, '"whole"' in said.stdout) == (0, True)
    store = FolderStore(first)
    path = await store.open("rec1", MANIFEST)
    assert path == second / "rec1" / MANIFEST
    away = second.rename(tmp_path / "away")
    said = CliRunner().invoke(archive, ["list", "--json", "--data-folder", str(tmp_path)])
    assert (said.exit_code, '"unreadable"' in said.stdout) == (1, True)
    await store.remove("rec1")
    assert (away / "rec1" / MANIFEST).is_file()
    away.rename(second)
    await store.remove("rec1")
    assert not list(first.iterdir()) + list(second.iterdir())
    shutil.rmtree(tmp_path / "third")
