"""The folder as a store: what is given out lies below its recording, and goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.recordings.store import FolderStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recordings"
    (made / "rec1" / "parts").mkdir(parents=True)
    (made / "rec1" / "parts" / "a.mp4").write_bytes(b"film")
    (made / "rec2").mkdir()
    (made / "rec2" / "b.mp4").write_bytes(b"another")
    (tmp_path / "secret").write_bytes(b"secret")
    (made / "rec1" / "link.mp4").symlink_to(tmp_path / "secret")
    return made


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("recording_id", "name", "content"),
    [
        ("rec1", "parts/a.mp4", b"film"),
        ("rec1", "parts/../parts/a.mp4", b"film"),
        ("rec1", "parts", None),
        ("rec1", "b.mp4", None),
        ("rec1", "../rec2/b.mp4", None),
        ("rec1", "../../secret", None),
        ("rec1", "link.mp4", None),
        ("rec3", "a.mp4", None),
    ],
)
async def test_what_is_opened_lies_below_its_recording(
    folder: Path, recording_id: str, name: str, content: bytes | None
) -> None:
    path = await FolderStore(folder).open(recording_id, name)
    assert (None if path is None else path.read_bytes()) == content
    path = await FolderStore(folder).open("rec1", str(folder.parent / "secret"))
    assert path is None


async def test_what_was_finished_in_the_folder_is_kept_there(folder: Path) -> None:
    store = FolderStore(folder)
    for _ in range(2):
        await store.put("rec1", folder / "rec1", ["parts/a.mp4"])
    path = await store.open("rec1", "parts/a.mp4")
    assert path == folder / "rec1" / "parts" / "a.mp4"
    with pytest.raises(ValueError, match="not where recording rec1 is kept"):
        await store.put("rec1", folder / "rec2", ["b.mp4"])


async def test_all_of_a_recording_goes_and_no_other(folder: Path) -> None:
    store = FolderStore(folder)
    await store.remove("rec1")
    await store.remove("rec1")
    assert names(folder) == ["rec2"]
    assert (folder.parent / "secret").is_file()
