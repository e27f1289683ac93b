"""A part that is downloaded is an ordinary MP4: every program plays it, a cut one goes on."""

from __future__ import annotations

import io
from pathlib import Path

import av
import httpx
import pytest

from benchmarks.archived_lesson import LessonShape, write_lesson
from recorder.exchange.wrapping import index_before
from recorder.finish import finish
from server.recordings import ordinary
from tests.unit.server.recordings.recorded import FILM, Ids, recorded
from tests.unit.server.world import World

ADDRESS = "/media/recordings/rec1/part-1.mp4"
KEPT = {"ordinary": "true"}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A part as finishing makes it."""
    folder = tmp_path_factory.mktemp("film") / "rec1"
    write_lesson(folder, LessonShape(seconds=6, pictures=1, sounds=1, picture_bps=200_000))
    (part,) = finish(folder).parts
    return (folder / part.file).read_bytes()


@pytest.fixture
async def li(world: World, community: Ids, film: bytes) -> httpx.AsyncClient:
    await recorded(world, community)
    (world.settings.recordings / "rec1" / "part-1.mp4").write_bytes(film)
    return await world.signed_in("li")


def packets(data: bytes) -> list[tuple[str, float, bytes]]:
    with av.open(io.BytesIO(data), "r") as container:
        return sorted(
            (one.stream.type, round(float((one.dts or 0) * (one.time_base or 0)), 3), bytes(one))
            for one in container.demux()
            if one.size
        )


async def test_it_has_its_index_in_front_and_every_sample_at_its_time(
    li: httpx.AsyncClient, film: bytes
) -> None:
    said = await li.get(ADDRESS, params=KEPT)
    assert (said.status_code, said.headers["content-type"]) == (200, "video/mp4")
    assert said.headers["content-length"] == str(len(said.content))
    assert said.content.endswith(film)
    # Of a file whose end was cut off a reader that looks for fragments there finds less than this.
    assert b"moof" not in said.content[: len(said.content) - len(film)]
    # But for the first picture: it stands from the beginning, as Firefox passes over an empty edit.
    (first, *others), (whole, *as_they_were) = (
        sorted(packets(data), key=lambda one: one[0] != "video") for data in (said.content, film)
    )
    assert others == as_they_were
    assert (first[0], first[2]) == (whole[0], whole[2])
    assert 0.0 == first[1] <= whole[1]
    with av.open(io.BytesIO(said.content), "r") as container:
        assert container.duration is not None
        assert abs(container.duration / 1e6 - 6) < 0.5
        assert container.format.name.startswith("mov")


async def test_a_download_that_was_cut_off_goes_on_where_it_was(li: httpx.AsyncClient) -> None:
    whole = (await li.get(ADDRESS, params=KEPT)).content
    told = await li.head(ADDRESS, params=KEPT)
    assert (told.headers["content-length"], told.content) == (str(len(whole)), b"")
    index = whole.index(b"mdat") + 12
    for begin, end in ((0, 5), (index - 3, index + 3), (index, len(whole)), (7, len(whole) - 7)):
        said = await li.get(ADDRESS, params=KEPT, headers={"range": f"bytes={begin}-{end - 1}"})
        assert (said.status_code, said.content) == (206, whole[begin:end])
        assert said.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(whole)}"


async def test_an_index_is_made_once_for_a_file_that_stays_as_it_is(
    li: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def counted(path: Path) -> bytes:
        made.append(path)
        return index_before(path)

    monkeypatch.setattr("recorder.exchange.wrapping.index_before", counted)
    ordinary._index.cache_clear()
    for _ in range(3):
        assert (await li.get(ADDRESS, params=KEPT)).status_code == 200
    assert len(made) == 1


async def test_what_has_no_fragments_goes_as_it_is(world: World, community: Ids) -> None:
    await recorded(world, community)
    li = await world.signed_in("li")
    assert (await li.get(ADDRESS, params=KEPT)).content == FILM
    poster = await li.get("/media/recordings/rec1/poster.jpg", params=KEPT)
    assert poster.content == b"jpg"
    outsider = await world.signed_in("outsider")
    assert (await outsider.get(ADDRESS, params=KEPT)).status_code == 404
