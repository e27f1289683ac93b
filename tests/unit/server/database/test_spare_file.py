"""A file that can be written on a full disk, and read after a crash in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.journal import encode_line
from server.database.spare_file import SpareFile
from tests.refusals import small_disk

SIZE = 4096  # of a half


def records(count: int) -> list[dict[str, object]]:
    return [{"number": number, "name": "李老师"} for number in range(count)]


def test_it_is_empty_then_holds_what_was_saved_last(tmp_path: Path) -> None:
    file = SpareFile(tmp_path / "spare", size=SIZE)
    assert file.load() == []
    for count in (3, 5, 1, 0, 2):
        assert file.save(records(count)) == count
        assert SpareFile(tmp_path / "spare", size=SIZE).load() == records(count)
        assert (tmp_path / "spare").stat().st_size == 2 * SIZE


def test_it_keeps_the_first_of_too_many(tmp_path: Path) -> None:
    file = SpareFile(tmp_path / "spare", size=SIZE)
    kept = file.save(records(1000))
    assert 10 < kept < 1000
    assert file.load() == records(kept)
    assert file.save(records(1000)) == kept


@pytest.mark.parametrize("saves", [1, 2, 3])
@pytest.mark.parametrize("end_first", [False, True], ids=["from its beginning", "from its end"])
def test_a_write_torn_anywhere_leaves_what_was_saved_before(
    tmp_path: Path, saves: int, end_first: bool
) -> None:
    path, size = tmp_path / "spare", 192
    file = SpareFile(path, size=size)
    contents: list[list[dict[str, object]]] = [[]]
    for save in range(1, saves + 1):
        old = path.read_bytes()
        contents.append([{"number": number, "by": save} for number in range(3)])
        assert file.save(contents[-1]) == 3
    new = path.read_bytes()
    torn = (old[:at] + new[at:] if end_first else new[:at] + old[at:] for at in range(2 * size + 1))
    found = []
    for content in dict.fromkeys(torn):
        path.write_bytes(content)
        found.append(file.load())
    assert len(found) > 30
    *_, before, after = contents
    assert all(one in (before, after) for one in found)
    assert (found[0], found[-1]) == ((after, before) if end_first else (before, after))


def test_what_a_torn_write_left_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "spare"
    file = SpareFile(path, size=SIZE)
    file.save(records(1))
    old = path.read_bytes()
    file.save(records(4))
    new = path.read_bytes()
    for torn_at in (10, 100, 200):  # again and again: each life of the server is killed
        path.write_bytes(new[:torn_at] + old[torn_at:])
        assert file.load() == records(1)
    file.save(records(3))
    assert file.load() == records(3)


def test_a_damaged_line_is_not_taken_for_another_save(tmp_path: Path) -> None:
    """Lines of two saves that stand in one half, each good, were never saved together."""
    path = tmp_path / "spare"
    file = SpareFile(path, size=SIZE)
    for number in (1, 2, 3):
        file.save([{"number": number}, {"number": number}])
    first, second = path.read_bytes()[SIZE:], path.read_bytes()[:SIZE]
    mixed = first.replace(encode_line({"number": 3}), encode_line({"number": 1}), 1)
    assert mixed != first
    path.write_bytes(second + mixed)
    assert file.load() == [{"number": 2}, {"number": 2}]


def test_what_an_earlier_version_left_is_read_until_something_is_saved(tmp_path: Path) -> None:
    """It had one half and no first line."""
    path = tmp_path / "spare"
    lines = b"".join(encode_line(one) for one in records(3))
    path.write_bytes(lines.ljust(SIZE, b"\0"))
    file = SpareFile(path, size=SIZE)
    assert file.load() == records(3)
    old = path.read_bytes()
    file.save(records(2))
    assert file.load() == records(2)
    torn = path.read_bytes()[: SIZE + 30] + old[SIZE + 30 :]
    path.write_bytes(torn)
    assert file.load() == records(3)


def test_a_full_disk_takes_it_all_the_same(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        file = SpareFile(disk.folder / "spare", size=SIZE)
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "other").write_bytes(b"x")
        for count in (5, 3, 4):
            file.save(records(count))
            assert file.load() == records(count)
        with pytest.raises(OSError, match="No space left"):
            SpareFile(disk.folder / "second", size=SIZE)
