"""What the server keeps is closed to the machine's other users, also what was open before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from server.database.private_files import (
    close_folder,
    close_recordings,
    close_to_others,
    database_files,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def left_open(path: Path, content: bytes | None = b"x") -> Path:
    """A file (or folder) as an `umask 022`, or a copy, makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.mkdir()
        path.chmod(0o777)
    else:
        path.write_bytes(content)
        path.chmod(0o666)
    return path


def test_the_folder_and_what_lies_in_it_are_closed(tmp_path: Path) -> None:
    folder = left_open(tmp_path / "data", None)
    database, key = left_open(folder / "tongke.db"), left_open(folder / "join_token.key")
    inner = left_open(folder / "recordings", None)
    close_folder(folder)
    assert [mode(path) for path in (folder, database, key, inner)] == [0o700, 0o600, 0o600, 0o700]


def test_what_is_not_ours_stays_as_it_is(tmp_path: Path) -> None:
    shared = left_open(tmp_path / "shared", None)
    shared.chmod(0o1777)
    elsewhere = left_open(tmp_path / "elsewhere")
    (shared / "link").symlink_to(elsewhere)
    close_folder(shared)
    close_to_others(shared / "missing")
    assert mode(shared) == 0o1777
    assert mode(elsewhere) == 0o666


def test_a_recording_is_closed_through_all_its_levels_and_walked_once(tmp_path: Path) -> None:
    recording = left_open(tmp_path / "r1", None)
    inner = [left_open(recording / name) for name in ("manifest.json", "tracks/0001.mp4")]
    folders = [recording / "tracks", recording]
    folders[0].chmod(0o755)
    assert list(close_recordings(tmp_path)) == [recording]
    assert [mode(path) for path in inner] == [0o600, 0o600]
    assert [mode(path) for path in folders] == [0o700, 0o700]
    assert list(close_recordings(tmp_path)) == []


def test_a_walk_cut_short_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = left_open(tmp_path / "r1", None)
    manifest = left_open(recording / "manifest.json")

    def killed(path: Path, mode: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during, pytest.raises(KeyboardInterrupt):
        during.setattr(Path, "chmod", killed)
        list(close_recordings(tmp_path))
    assert list(close_recordings(tmp_path)) == [recording]
    assert mode(manifest) == 0o600


def test_a_file_system_that_refuses_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = left_open(tmp_path / "tongke.db")

    def refused(path: Path, mode: int) -> None:
        raise PermissionError(1, os.strerror(1))

    monkeypatch.setattr(Path, "chmod", refused)
    close_to_others(file)
    assert mode(file) == 0o666


def test_an_sqlite_database_names_its_files() -> None:
    names = [file.name for file in database_files("sqlite+aiosqlite:////srv/x/t.db")]
    assert names == ["t.db", "t.db-wal", "t.db-shm", "t.db-journal"]
    assert database_files("postgresql+asyncpg://db.example.cn/tongke") == []
    assert database_files("sqlite+aiosqlite://") == []
