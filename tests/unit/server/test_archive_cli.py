"""`tongke archive`: what it says, what it ends with, and what it makes of what was left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recorder.recording_folder import MANIFEST
from server.archive_cli import CONDITIONS, archive
from tests.unit.recorder.test_verification import a_file, cut, made  # noqa: F401 - a fixture


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:  # noqa: F811 - the fixture
    """A data folder with one recording finished and one not."""
    for name in ("finished", "unfinished"):
        shutil.copytree(made / name, tmp_path / "recordings" / name)
    (tmp_path / "recordings" / ".lesson_files").mkdir()
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(archive, [*arguments, "--data-folder", str(data)])


def conditions(result: Result) -> dict[str, str]:
    told = [json.loads(line) for line in result.stdout.splitlines()]
    return {one["recording_id"]: one["condition"] for one in told}


def test_all_are_listed_and_what_is_not_finished_is_finished(data: Path) -> None:
    listed = run(data, "list", "--json")
    assert conditions(listed) == {"finished": "whole", "unfinished": "unfinished"}
    assert listed.exit_code == 3
    done = run(data, "finish", "--json")
    assert (conditions(done), done.exit_code) == ({"unfinished": "whole"}, 0)
    proved = run(data, "verify", "--json")
    assert set(conditions(proved).values()) == {"whole"}
    assert proved.exit_code == 0
    assert run(data, "finish", "--json").stdout == "", "there is nothing left to do"


def test_damage_is_said_and_ends_with_1(data: Path) -> None:
    path = a_file(data / "recordings" / "finished")
    cut(path)
    said = run(data, "verify", "finished")
    assert said.exit_code == 1
    assert path.name in said.stdout
    assert run(data, "list").exit_code == 3, "which only looks"


def test_one_that_cannot_be_finished_says_why(data: Path) -> None:
    folder = data / "recordings" / "unfinished"
    shutil.rmtree(folder / "tracks")
    said = run(data, "finish")
    assert said.exit_code == 3
    assert "cannot be made playable; its tracks are kept" in said.stdout
    assert not (folder / MANIFEST).exists()


@pytest.mark.parametrize(
    ("folder", "arguments"),
    [("", ["verify", "nonesuch"]), ("elsewhere", ["list"])],
    ids=["no such recording", "no recordings folder"],
)
def test_what_is_not_there_is_told_with_what_to_do(
    data: Path, folder: str, arguments: list[str]
) -> None:
    said = run(data / folder, *arguments)
    assert said.exit_code == 2
    assert "tongke archive list" in said.stderr or "--data-folder" in said.stderr


def test_every_standing_has_its_words() -> None:
    assert all(text.zh != text.en for text in CONDITIONS.values())
