"""The data folder: private, proven writable, used by one server."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from server.database.data_folder import DataFolder, load_or_make_key, make_folder, write_private
from server.errors import StartPutOff, StartRefused


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
    assert [path.name for path in folder.path.iterdir()] == ["lock"]
    folder.close()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/tongke")):
        with pytest.raises(StartRefused, match=r"cannot be written.*TONGKE_DATA_FOLDER") as refused:
            make_folder(path, setting="data_folder")
        assert "\n" not in str(refused.value)
        assert refused.value.exit_code == 2


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    with pytest.raises(StartPutOff, match="already running"):
        DataFolder(tmp_path)
    first.close()
    DataFolder(tmp_path).close()


def test_private_files_are_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, b"one")
    write_private(path, b"two")
    assert (path.read_bytes(), mode(path)) == (b"two", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_is_made_once_and_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_or_make_key(path)
    assert (len(key), load_or_make_key(path)) == (32, key)
    path.write_bytes(b"short")
    with pytest.raises(StartRefused, match="damaged"):
        load_or_make_key(path)


def test_something_in_a_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StartRefused, match="lock cannot be used") as refused:
        DataFolder(tmp_path)
    assert "占了它的位置" in refused.value.text.zh
