"""A file that can be written on a full disk, and read after a crash in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.database.spare_file import SpareFile
from tests.refusals import small_disk

SIZE = 4096


def records(count: int) -> list[dict[str, object]]:
    return [{"number": number, "name": "李老师"} for number in range(count)]


def test_it_is_empty_then_holds_what_was_saved_last(tmp_path: Path) -> None:
    file = SpareFile(tmp_path / "spare", size=SIZE)
    assert file.load() == []
    for count in (3, 5, 1, 0, 2):
        assert file.save(records(count)) == count
        assert SpareFile(tmp_path / "spare", size=SIZE).load() == records(count)
        assert (tmp_path / "spare").stat().st_size == SIZE


def test_it_keeps_the_first_of_too_many(tmp_path: Path) -> None:
    file = SpareFile(tmp_path / "spare", size=SIZE)
    kept = file.save(records(1000))
    assert 10 < kept < 1000
    assert file.load() == records(kept)


@pytest.mark.parametrize("torn_at", range(0, 200, 7))
def test_a_torn_write_leaves_the_lines_before(tmp_path: Path, torn_at: int) -> None:
    path = tmp_path / "spare"
    file = SpareFile(path, size=SIZE)
    file.save(records(1))
    before = path.read_bytes()
    file.save(records(4))
    path.write_bytes(path.read_bytes()[:torn_at] + before[torn_at:])
    found = file.load()
    assert found == records(len(found))
    assert len(found) >= 1


def test_a_full_disk_takes_it_all_the_same(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        file = SpareFile(disk.folder / "spare", size=SIZE)
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "other").write_bytes(b"x")
        file.save(records(5))
        assert file.load() == records(5)
        with pytest.raises(OSError, match="No space left"):
            SpareFile(disk.folder / "second", size=SIZE)
