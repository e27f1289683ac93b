"""What `tongke backup` and `tongke restore` say where something is in the way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import app
from server.config import Settings
from tests.unit.server.world import lay_database


@pytest.fixture(autouse=True)
def _in_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    lay_database(tmp_path / "data")
    return tmp_path / "data"


def said(*words: str, code: int) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.output


def test_a_folder_that_is_not_there_is_to_be_made(data_folder: Path) -> None:
    """Not the name of an unfinished file that nobody has heard of, with English in brackets."""
    told = said("backup", "nowhere/b.tar", "--data-folder", str(data_folder), code=2)
    assert "没有文件夹 nowhere。请先建立它（mkdir -p nowhere）" in told
    assert "unfinished" not in told


def test_a_backup_that_is_not_there_is_told_in_chinese(tmp_path: Path) -> None:
    told = said("restore", "none.tar", "--data-folder", str(tmp_path / "new"), code=2)
    assert "无法读写 none.tar（没有这个文件或文件夹）" in told
    assert os.strerror(errno.ENOENT) not in told


def test_a_torn_backup_is_told_in_chinese(data_folder: Path, tmp_path: Path) -> None:
    said("backup", "b.tar", "--data-folder", str(data_folder), code=0)
    (tmp_path / "torn.tar").write_bytes((tmp_path / "b.tar").read_bytes()[:3000])
    told = said("restore", "torn.tar", "--data-folder", str(tmp_path / "new"), code=2)
    assert "备份 torn.tar 不可用（文件不完整，或不是备份）。什么也没有改动。" in told


def test_the_restored_folder_is_the_one_to_be_started(data_folder: Path, tmp_path: Path) -> None:
    """Without its name the server would have started with another folder, or an empty one."""
    said("backup", "b.tar", "--data-folder", str(data_folder), code=0)
    new = tmp_path / "a trial"
    told = said("restore", "b.tar", "--data-folder", str(new), code=0)
    assert f"用 tongke serve --data-folder '{new}' 启动。" in told


def test_a_full_disk_is_told_with_what_to_do(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(settings: Settings, file: Path, **_given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))

    monkeypatch.setattr("server.backup.making.make_backup", full)
    told = said("backup", "b.tar", "--data-folder", str(data_folder), code=2)
    assert "磁盘已满" in told and "--without-recordings" in told
