"""A full disk gives way to the next, and what lies there is one recording among all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recorder.recording_folder import MANIFEST
from recorder.verification import ArchiveCondition, verify
from server.archive_cli import archive
from server.recordings import places
from server.recordings.places import RecordingPlaces
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
