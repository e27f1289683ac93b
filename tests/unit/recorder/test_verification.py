"""What stands is proved byte by byte; what changed since is told; nothing is changed by looking."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.recording_folder import JOURNAL, MANIFEST
from recorder.verification import ArchiveCondition, look, told, verify
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import SOUND, VIDEO, encode_sound, encode_video, packetise

SECONDS = 2.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with a picture and sound, finished; beside it what it was before finishing."""
    root = tmp_path_factory.mktemp("made")
    lesson = RecordedLesson(root / "finished")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.track("v", VIDEO["H264"])
    sound = packetise(SOUND, encode_sound(SECONDS, beeps=(0.5,)))
    picture = packetise(VIDEO["H264"], encode_video("H264", SECONDS, width=160, height=120))
    lesson.receive(
        [
            Packet(at, track, data)
            for track, sent in (("a", sound), ("v", picture))
            for at, data in sent
        ],
        until=SECONDS + 1,
    )
    lesson.kill()
    shutil.copytree(root / "finished", root / "unfinished")
    lesson.close()
    return root


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made / "finished", tmp_path / "rec1")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def a_file(folder: Path) -> Path:
    return next(folder.glob("part-*"))


def test_a_finished_recording_is_proved_and_its_sums_are_those_of_coreutils(folder: Path) -> None:
    found = verify(folder)
    assert (found.condition, found.faults, found.unproved) == (ArchiveCondition.WHOLE, (), ())
    assert found.duration_s == pytest.approx(SECONDS, abs=1.0)  # a kill costs a second
    members = json.loads((folder / MANIFEST).read_text())
    names = {part[name] for part in members["parts"] for name in ("file", "playlist")}
    names.add(members["poster"])
    sums = {one["file"]: one for one in members["checksums"]}
    assert set(sums) == names
    for name in names:
        said = subprocess.run(
            ["sha256sum", name], cwd=folder, capture_output=True, text=True, check=True
        )
        assert said.stdout.split() == [sums[name]["sha256"], name]
        assert (folder / name).stat().st_size == sums[name]["bytes"]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[random.Random(3).randrange(len(data))] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_byte_less_or_another_is_told_by_its_file(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    path = a_file(folder)
    damage(path)
    before = contents(folder)
    found = verify(folder)
    assert found.condition is ArchiveCondition.DAMAGED
    assert [fault.split()[0] for fault in found.faults] == [path.name]
    assert contents(folder) == before


def test_a_file_that_is_away_is_seen_without_reading(folder: Path) -> None:
    a_file(folder).unlink()
    assert look(folder).condition is ArchiveCondition.DAMAGED


def test_of_an_earlier_recorder_it_is_said_that_nothing_proves_it(folder: Path) -> None:
    members = json.loads((folder / MANIFEST).read_text())
    names = {one["file"] for one in members.pop("checksums")}
    (folder / MANIFEST).write_text(json.dumps(members))
    found = verify(folder)
    assert (found.condition, set(found.unproved)) == (ArchiveCondition.WHOLE, names)


def test_what_the_manifest_says_is_missing_makes_it_incomplete(folder: Path) -> None:
    members = json.loads((folder / MANIFEST).read_text())
    members["missing"] = [{"seat_id": "room1", "source": "room", "text": "room1: 3 s are lost"}]
    (folder / MANIFEST).write_text(json.dumps(members))
    found = verify(folder)
    assert (found.condition, found.faults) == (
        ArchiveCondition.INCOMPLETE,
        ("room1: 3 s are lost",),
    )


def test_before_finishing_the_journal_says_what_it_is(made: Path) -> None:
    folder = made / "unfinished"
    assert verify(folder).condition is ArchiveCondition.UNFINISHED
    with (folder / JOURNAL).open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert look(folder).condition is ArchiveCondition.RECORDING
    assert look(folder).started_at is not None


@pytest.mark.parametrize(
    ("name", "data"),
    [(MANIFEST, b"{"), (MANIFEST, b'{"version": 99}'), (JOURNAL, b""), (JOURNAL, None)],
    ids=["torn manifest", "newer manifest", "empty journal", "no journal"],
)
def test_what_cannot_be_read_stays_as_it_is(folder: Path, name: str, data: bytes | None) -> None:
    (folder / MANIFEST).unlink()
    if data is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(data)
    before = contents(folder)
    found = verify(folder)
    assert found.condition is ArchiveCondition.UNREADABLE
    assert found.faults
    assert contents(folder) == before
    assert json.loads(told(found))["condition"] == "unreadable"


def test_one_that_goes_while_it_is_looked_at_keeps_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server purges while IT looks: what was listed a moment ago is not there any more."""
    walk = os.walk

    def walked(place: Path) -> list[tuple[str, list[str], list[str]]]:
        found = list(walk(place))
        shutil.rmtree(folder)
        return found

    monkeypatch.setattr("os.walk", walked)
    assert look(folder).condition is ArchiveCondition.UNREADABLE
