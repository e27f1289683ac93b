"""Finishing that is cut short goes on behind the last part; two processes make what one makes."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from benchmarks.archived_lesson import LessonShape, write_lesson
from recorder import making
from recorder.errors import StorageError
from recorder.finish import finish
from recorder.manifest import Manifest, read_manifest
from recorder.part_file import MadePart, PartContent, make_part
from recorder.recording_folder import TRACKS

SHAPE = LessonShape(seconds=6, pictures=3, sounds=2, picture_bps=200_000)
PARTS = 3


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "rec1"
    write_lesson(folder, SHAPE)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "rec1"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the parts that this process makes."""
    names: list[str] = []

    def noted(folder: Path, name: str, content: PartContent) -> MadePart | None:
        names.append(name)
        return make_part(folder, name, content)

    monkeypatch.setattr(making, "make_part", noted)
    return names


class CutShortError(Exception):
    pass


def cut_short(folder: Path, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Finishing ends when so many parts stand."""
    with monkeypatch.context() as patch:
        stood: list[str] = []

        def ends(folder: Path, name: str, content: PartContent) -> MadePart | None:
            if len(stood) == after:
                (folder / f".{name}.tmp").write_bytes(b"half")
                raise CutShortError
            stood.append(name)
            return make_part(folder, name, content)

        patch.setattr(making, "make_part", ends)
        with pytest.raises(CutShortError):
            finish(folder)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def whole(manifest: Manifest, folder: Path) -> None:
    assert len(manifest.parts) == PARTS and not manifest.missing
    assert {one.file for one in manifest.checksums} == manifest.files
    assert not list(folder.glob(".*")), "notes and half a part are gone"
    assert not (folder / TRACKS).exists()


def test_no_part_that_stands_is_made_again(
    folder: Path, made: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other" / "rec1"))
    cut_short(folder, monkeypatch, after=2)
    whole(finish(folder), folder)
    assert len(made) == PARTS - 2
    finish(other)
    assert files(folder) == files(other), "as if it had never been cut short"


def test_a_part_that_is_not_what_was_made_is_made_again(
    folder: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(folder, monkeypatch, after=2)
    first, second = sorted(folder.glob("part-*.mp4"))
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(data)
    second.unlink()
    whole(finish(folder), folder)
    assert len(made) == PARTS


@pytest.mark.parametrize("changed", ["journal", "track", "note"])
def test_what_was_made_of_something_else_is_made_again(
    folder: Path, made: list[str], monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    cut_short(folder, monkeypatch, after=2)
    if changed == "journal":
        with (folder / "journal.jsonl").open("ab") as journal:
            journal.write(b"torn")
    elif changed == "track":
        for track in (folder / TRACKS).iterdir():
            os.utime(track, (1, 1))
    else:
        for note in folder.glob(making.NOTES):
            note.write_text("[]")
    finish(folder)
    assert len(made) == PARTS


def test_two_processes_make_what_one_makes(
    folder: Path, made: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other" / "rec1"))
    finish(other)
    made.clear()
    alone(monkeypatch)
    whole(finish(folder), folder)
    assert 0 < len(made) < PARTS, "the others were made elsewhere"
    assert files(folder) == files(other)


def test_what_a_killed_second_process_left_is_made_here(
    folder: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch)
    us = os.getpid()

    def killed(folder: Path, name: str, content: PartContent) -> MadePart | None:
        if os.getpid() != us:
            os.kill(os.getpid(), signal.SIGKILL)
        made.append(name)
        return make_part(folder, name, content)

    monkeypatch.setattr(making, "make_part", killed)
    whole(finish(folder), folder)
    assert len(made) == PARTS


@pytest.mark.parametrize("code", ["disk-full", "disk-error"])
def test_what_the_disk_refuses_a_second_process_is_said_by_this_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    alone(monkeypatch)
    us = os.getpid()

    def refused(folder: Path, name: str, content: PartContent) -> MadePart | None:
        if os.getpid() != us:
            raise StorageError(code, f"磁盘 {name}")
        return make_part(folder, name, content)

    monkeypatch.setattr(making, "make_part", refused)
    with pytest.raises(StorageError, match="磁盘 part-000") as told:
        finish(folder)
    assert told.value.code == code
    assert read_manifest(folder) is None


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's process may have threads; these here hold nothing that a part needs."""
    monkeypatch.setattr(making, "WORTH_BYTES", 0)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
