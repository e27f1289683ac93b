"""A recording is downloaded as the ZIP that plays from a disk, and comes in again elsewhere."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from benchmarks.archived_lesson import LessonShape, write_lesson
from recorder.exchange.file import answer_to
from recorder.exchange.file_order import ExportOrder
from recorder.exchange.form import LibraryFacts
from recorder.exchange.taking import import_recording
from recorder.finish import finish
from recorder.lesson_file_order import temporary_of
from recorder.manifest import Manifest, read_manifest
from server.recordings import lesson_files
from server.recordings.lesson_files import LESSON_FILES
from server.recordings.library import Catalogue
from tests.unit.server.recordings.recorded import Ids, recorded
from tests.unit.server.world import World

FILE = "/api/recordings/rec1/file?kind=export"
FILM = "/api/recordings/rec1/file?kind=film"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "rec1"
    write_lesson(folder, LessonShape(seconds=6, pictures=2, sounds=1, picture_bps=200_000))
    finish(folder)
    return folder


def manifest_in(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


async def test_export_and_film_are_made_and_given_to_who_may_see_the_recording(
    world: World, community: Ids, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson_files, "RESERVE_BYTES", 0)
    await recorded(world, community)
    folder = world.settings.recordings / "rec1"
    shutil.rmtree(folder)
    shutil.copytree(finished, folder)
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    await catalogue.finished("rec1", manifest_in(folder))
    li = await world.signed_in("li")
    assert (await li.post(FILE)).json()["state"] == "waiting"
    assert (await li.post(FILM)).json()["state"] == "waiting"
    await world.services.lesson_files.done()
    told = (await li.get(FILE)).json()
    assert (told["state"], told["message_en"]) == ("ready", "")
    said = await li.get(told["address"])
    assert said.headers["content-type"] == "application/zip"
    assert said.headers["content-disposition"].endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(said.content)) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("library.json"))["title"] == "圆的面积"
        assert "index.html" in archive.namelist()
    kept, elsewhere = tmp_path / "kept.zip", tmp_path / "elsewhere"
    kept.write_bytes(said.content)
    elsewhere.mkdir()
    assert import_recording(kept, elsewhere).recording_id == "rec1"
    assert manifest_in(elsewhere / "rec1") == manifest_in(folder)
    film = (await li.get(FILM)).json()
    assert (film["state"], film["message_en"]) == ("ready", "")
    shown = await li.get(film["address"])
    assert (shown.headers["content-type"], shown.content[4:8]) == ("video/mp4", b"ftyp")
    assert len(list((world.settings.recordings / LESSON_FILES).iterdir())) == 2
    outsider = await world.signed_in("outsider")
    assert (await outsider.get(told["address"])).status_code == 404


@pytest.mark.parametrize(
    ("harm", "code"),
    [("manifest.json", "not-finished"), ("part-0001.mp4", "damaged")],
)
def test_what_is_damaged_is_given_to_nobody(
    finished: Path, tmp_path: Path, harm: str, code: str
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "rec1"))
    (folder / harm).unlink()
    order = ExportOrder(
        path=tmp_path / "made.zip",
        folder=folder,
        library=LibraryFacts(),
        places={},
        made_at=1_800_000_000.0,
        made_by="a test",
    )
    made = answer_to(order.model_dump_json().encode())
    assert (made.code, made.bytes) == (code, 0)
    assert not order.path.exists()
    assert not temporary_of(order.path).exists()
