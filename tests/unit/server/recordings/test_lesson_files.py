"""A lesson as one file: asked for, made one at a time, given up, downloaded, and swept away."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import av
import httpx
import numpy as np
import pytest

from recorder.lesson_file_order import FileMade, FileOrder, asides_of
from server.api.lesson_files import file_name
from server.children.once import ChildFailed
from server.database.deletion import DAY_S
from server.database.models import Recording, RecordingPhase
from server.recordings import lesson_files
from server.recordings.lesson_files import (
    KEPT_S,
    LESSON_FILES,
    MOST_KEPT,
    MOST_OF_ONE,
    MOST_WAITING,
    LessonFiles,
)
from server.timekeeper import Timekeeper
from tests.unit.server.recordings.recorded import Ids, recorded
from tests.unit.server.world import World

FILE = "/api/recordings/{}/file"


def real_part(path: Path) -> None:
    """A second of pictures and of sound."""
    with av.open(str(path), "w", format="mp4") as out:
        film = out.add_stream("libx264", rate=5)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream("libopus", rate=48_000, layout="mono")
        for number in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 5)
            out.mux(film.encode(picture))
        for number in range(50):
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
            heard.sample_rate, heard.pts = 48_000, number * 960
            out.mux(sound.encode(heard))
        out.mux(film.encode(None))
        out.mux(sound.encode(None))


class Maker:
    """In place of the child: writes a file as soon as it may, or fails."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.has_begun = asyncio.Event()
        self.began: list[str] = []
        self.stopped: list[str] = []
        self.answers: list[FileMade | Exception] = []

    async def ask_once(self, module: str, given: bytes, **_limits: Any) -> bytes:
        assert module == "recorder.lesson_file"
        order = FileOrder.model_validate_json(given)
        self.began.append(order.title)
        self.has_begun.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.stopped.append(order.title)
            raise
        answer = self.answers.pop(0) if self.answers else FileMade(bytes=4)
        if isinstance(answer, Exception):
            raise answer
        if not answer.code:
            order.path.write_bytes(b"film")
        return answer.model_dump_json().encode()

    def __call__(self, monkeypatch: pytest.MonkeyPatch) -> Maker:
        monkeypatch.setattr(lesson_files, "ask_once", self.ask_once)
        monkeypatch.setattr(lesson_files, "RESERVE_BYTES", 0)
        return self


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    return Maker()(monkeypatch)


async def standing(browser: httpx.AsyncClient, name: str = "rec1") -> dict[str, Any]:
    answer = await browser.get(FILE.format(name))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_lesson_is_made_by_the_child_and_downloaded_under_its_name(
    world: World, community: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson_files, "RESERVE_BYTES", 0)
    await recorded(world, community)
    real_part(world.settings.recordings / "rec1" / "part-1.mp4")
    li = await world.signed_in("li")
    assert (await standing(li))["state"] == "none"
    asked = await li.post(FILE.format("rec1"))
    assert (asked.status_code, asked.json()["state"]) == (200, "waiting")
    await world.services.lesson_files.done()
    told = await standing(li)
    assert (told["state"], told["share"]) == ("ready", 1.0)
    whole = await li.get(told["address"])
    assert len(whole.content) == told["bytes"]
    assert whole.content.startswith(b"\x1a\x45\xdf\xa3")  # EBML (RFC 8794 §11.2.1)
    assert whole.headers["cache-control"] == "no-store"
    name = re.fullmatch(r"attachment; filename\*=utf-8''(.*)", whole.headers["content-disposition"])
    assert name
    assert re.fullmatch(r"圆的面积 \d{4}-\d\d-\d\d\.mkv", unquote(name[1]))
    part = await li.get(told["address"], headers={"range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, whole.content[4:10])
    assert (await li.head(told["address"])).headers["content-length"] == str(told["bytes"])


async def test_a_part_that_cannot_be_read_is_told(
    world: World, community: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson_files, "RESERVE_BYTES", 0)
    await recorded(world, community)  # its part is no film
    li = await world.signed_in("li")
    await li.post(FILE.format("rec1"))
    await world.services.lesson_files.done()
    told = await standing(li)
    assert (told["state"], told["address"]) == ("failed", None)
    assert told["message_zh"]
    assert told["message_en"]
    assert list((world.settings.recordings / LESSON_FILES).iterdir()) == []


async def test_who_may_not_see_a_recording_has_no_file_of_it(
    world: World, community: Ids, maker: Maker
) -> None:
    await recorded(world, community)
    maker.may.set()
    li, outsider = await world.signed_in("li"), await world.signed_in("outsider")
    await li.post(FILE.format("rec1"))
    await world.services.lesson_files.done()
    address = (await standing(li))["address"]
    for answer in (
        await outsider.get(FILE.format("rec1")),
        await outsider.post(FILE.format("rec1")),
        await outsider.delete(FILE.format("rec1")),
        await outsider.get(address),
    ):
        assert answer.status_code == 404
    assert (await (await world.browser()).get(address)).status_code == 401
    wang = await world.signed_in("wang")  # sat in it
    assert (await wang.get(address)).content == b"film"


async def test_it_is_made_once_for_all_who_ask_and_stops_when_nobody_wants_it(
    world: World, community: Ids, maker: Maker
) -> None:
    await recorded(world, community)
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    for who in (li, wang, li):
        await who.post(FILE.format("rec1"))
    await maker.has_begun.wait()
    assert (await li.delete(FILE.format("rec1"))).status_code == 204
    assert (await standing(wang))["state"] == "making"
    await wang.delete(FILE.format("rec1"))
    assert (maker.began, maker.stopped) == (["圆的面积"], ["圆的面积"])
    assert (await standing(wang))["state"] == "none"
    assert (await wang.get("/media/lessons/rec1")).status_code == 404


async def test_one_is_made_at_a_time_and_few_wait(
    world: World, community: Ids, maker: Maker
) -> None:
    for number in range(MOST_WAITING + 2):
        await recorded(world, community, f"rec{number}")
    li = await world.signed_in("li")
    askers = [li, li, await world.signed_in("wang"), await world.signed_in("wang")]
    askers += [await world.signed_in("admin")] * 2
    for number in range(MOST_WAITING + 1):
        await askers[number].post(FILE.format(f"rec{number}"))
        await maker.has_begun.wait()
    assert (await standing(li, "rec0"))["state"] == "making"
    refused = await askers[-1].post(FILE.format(f"rec{MOST_WAITING + 1}"))
    assert (refused.status_code, refused.json()["code"]) == (503, "too-many-files")
    assert refused.headers["retry-after"]
    assert (len(maker.began), (await standing(li, "rec1"))["state"]) == (1, "waiting")
    maker.may.set()
    await world.services.lesson_files.done()
    assert (await standing(li, f"rec{MOST_WAITING}"))["state"] == "ready"


async def test_nobody_takes_the_places_of_others(
    world: World, community: Ids, maker: Maker
) -> None:
    for number in range(MOST_OF_ONE + 1):
        await recorded(world, community, f"rec{number}")
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    for number in range(MOST_OF_ONE):
        await li.post(FILE.format(f"rec{number}"))
    last = FILE.format(f"rec{MOST_OF_ONE}")
    refused = await li.post(last)
    assert (refused.status_code, refused.json()["code"]) == (429, "files-under-way")
    assert refused.headers["retry-after"]
    assert (await li.post(FILE.format("rec0"))).status_code == 200  # the one that is being made
    assert (await wang.post(last)).status_code == 200
    await wang.delete(last)
    await li.delete(FILE.format("rec1"))
    assert (await li.post(last)).status_code == 200


async def test_what_is_promised_to_others_is_no_longer_free(
    world: World, community: Ids, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for each of two, and not for both."""
    monkeypatch.setattr(lesson_files, "_bytes", lambda *_: (600, 1000))
    for number in (1, 2):
        await recorded(world, community, f"rec{number}")
    li = await world.signed_in("li")
    assert (await li.post(FILE.format("rec1"))).status_code == 200
    refused = await li.post(FILE.format("rec2"))
    assert (refused.status_code, refused.json()["code"]) == (507, "no-room")
    maker.may.set()
    await world.services.lesson_files.done()
    assert (await li.post(FILE.format("rec2"))).status_code == 200  # what is made is on the disk


async def test_without_room_nothing_is_begun(
    world: World, community: Ids, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson_files, "RESERVE_BYTES", 1 << 60)
    await recorded(world, community)
    li = await world.signed_in("li")
    refused = await li.post(FILE.format("rec1"))
    assert (refused.status_code, refused.json()["code"]) == (507, "no-room")
    assert maker.began == []


@pytest.mark.parametrize("failure", [ChildFailed("killed"), FileMade(code="disk-full", text="x")])
async def test_what_failed_is_made_when_it_is_asked_for_again(
    world: World, community: Ids, maker: Maker, failure: FileMade | Exception
) -> None:
    await recorded(world, community)
    maker.may.set()
    maker.answers = [failure]
    li = await world.signed_in("li")
    for state in ("failed", "ready"):
        await li.post(FILE.format("rec1"))
        await world.services.lesson_files.done()
        assert (await standing(li))["state"] == state


async def test_another_title_or_language_is_another_file(
    world: World, community: Ids, maker: Maker
) -> None:
    await recorded(world, community)
    maker.may.set()
    li = await world.signed_in("li")
    await li.post(FILE.format("rec1"))
    await world.services.lesson_files.done()
    assert (await li.get(FILE.format("rec1") + "?language=en")).json()["state"] == "none"
    await li.patch("/api/recordings/rec1", json={"title": "圆"})
    assert (await standing(li))["state"] == "none"


async def test_who_asks_under_a_new_title_or_gives_up_leaves_the_file_of_the_old_one(
    world: World, community: Ids, maker: Maker
) -> None:
    """Renamed while it is made: nobody could give up what has a name that nobody knows."""
    await recorded(world, community)
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    titles = [f"圆 {number}" for number in range(MOST_OF_ONE + 1)]
    for title in titles:
        await li.patch("/api/recordings/rec1", json={"title": title})
        assert (await li.post(FILE.format("rec1"))).status_code == 200
        await maker.has_begun.wait()
        maker.has_begun.clear()
    assert maker.stopped == titles[:-1]
    await wang.post(FILE.format("rec1"))  # who waits for the old one has it made to its end
    await li.patch("/api/recordings/rec1", json={"title": "方"})
    await li.delete(FILE.format("rec1"))
    assert maker.stopped == titles[:-1]
    await wang.delete(FILE.format("rec1"))
    assert maker.stopped == titles


async def test_files_are_kept_for_some_hours_and_the_newest_alone(
    world: World, community: Ids, maker: Maker
) -> None:
    maker.may.set()
    li, files = await world.signed_in("li"), world.services.lesson_files
    folder = world.settings.recordings / LESSON_FILES
    for number in range(MOST_KEPT + 1):
        await recorded(world, community, f"rec{number}")
        world.clock.pass_s(1)
        await li.post(FILE.format(f"rec{number}"))
        await files.done()
    assert len(list(folder.iterdir())) == MOST_KEPT
    assert (await standing(li, "rec0"))["state"] == "none"
    await files.sweep(world.clock() + KEPT_S)
    assert list(folder.iterdir()) == []


async def test_a_file_that_was_removed_by_hand_is_made_anew(
    world: World, community: Ids, maker: Maker
) -> None:
    await recorded(world, community)
    maker.may.set()
    li, files = await world.signed_in("li"), world.services.lesson_files
    for _ in range(2):
        await li.post(FILE.format("rec1"))
        await files.done()
        address = (await standing(li))["address"]
        assert (await li.get(address)).content == b"film"
        (made,) = (world.settings.recordings / LESSON_FILES).iterdir()
        made.unlink()
        assert (await standing(li))["state"] == "none"
        assert (await li.get(address)).status_code == 404


async def test_sweeping_takes_nothing_that_is_swept_or_asked_for_meanwhile(
    world: World, community: Ids, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sweeps at once; while the first removes a file, what had failed is asked for anew."""
    li, files = await world.signed_in("li"), world.services.lesson_files
    for number in (1, 2):
        await recorded(world, community, f"rec{number}")
    maker.answers = [ChildFailed("killed"), FileMade(bytes=4)]
    maker.may.set()
    for number in (2, 1):
        await li.post(FILE.format(f"rec{number}"))
        await files.done()
        world.clock.pass_s(1)
    maker.may.clear()
    removing, may_remove = asyncio.Event(), asyncio.Event()
    to_thread = asyncio.to_thread

    async def slowly(work: Any, *given: Any, **named: Any) -> Any:
        if getattr(work, "__name__", "") == "unlink":
            removing.set()
            await may_remove.wait()
        return await to_thread(work, *given, **named)

    monkeypatch.setattr(asyncio, "to_thread", slowly)
    later = world.clock() + KEPT_S
    async with asyncio.TaskGroup() as both:
        for _ in range(2):
            both.create_task(files.sweep(later))
        await removing.wait()
        monkeypatch.setattr(asyncio, "to_thread", to_thread)
        assert (await li.post(FILE.format("rec2"))).json()["state"] == "waiting"
        may_remove.set()
    assert (await standing(li, "rec1"))["state"] == "none"
    maker.may.set()
    await files.done()
    assert (await standing(li, "rec2"))["state"] == "ready"


async def test_recordings_go_though_lesson_files_cannot_be_swept(
    world: World, community: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    await recorded(world, community)
    li = await world.signed_in("li")
    assert (await li.delete("/api/recordings/rec1")).status_code == 204

    async def refuses(_now: float) -> None:
        raise OSError("read-only file system")

    monkeypatch.setattr(world.services.lesson_files, "sweep", refuses)
    world.clock.pass_s((world.settings.deleted_kept_days + 1) * DAY_S)
    with pytest.raises(OSError, match="read-only"):
        await Timekeeper(world.services).tick()
    assert not (world.settings.recordings / "rec1").exists()


async def test_what_an_earlier_server_left_is_removed(world: World) -> None:
    folder = world.settings.recordings / LESSON_FILES
    folder.mkdir()
    (folder / ".half.tmp").write_bytes(b"half a film")
    (folder / "whole.mkv").write_bytes(b"nobody knows of what")
    (folder / "folder").mkdir()
    (folder / "folder" / "of_whom").touch()
    await world.services.lesson_files.start()
    assert not folder.exists()


async def started_again(world: World) -> LessonFiles:
    """As the next server has them."""
    folder = world.settings.recordings / LESSON_FILES
    later = LessonFiles(folder, world.services.store, world.clock)
    world.app.state.services = dataclasses.replace(world.services, lesson_files=later)
    await later.start()
    return later


async def test_what_an_earlier_server_has_not_made_is_told_until_it_is_asked_for_again(
    world: World, community: Ids, maker: Maker
) -> None:
    """Stopped with one that is made and one that waits; started twice; then asked, and given up."""
    for name in ("rec1", "rec2", "rec3"):
        await recorded(world, community, name)
    li, files = await world.signed_in("li"), world.services.lesson_files
    for name in ("rec1", "rec2"):
        await li.post(FILE.format(name))
    await maker.has_begun.wait()
    await files.close()
    folder = world.settings.recordings / LESSON_FILES
    for file in ("x.mkv", ".x.tmp", ".x.share-tmp"):
        (folder / file).touch()
    for _ in range(2):
        later = await started_again(world)
        assert {path.suffix for path in folder.iterdir()} == {".asked"}
        for name in ("rec1", "rec2"):
            told = await standing(li, name)
            assert told["state"] == "none"
            assert "重新启动" in told["message_zh"] and "again" in told["message_en"]
        assert (await standing(li, "rec3"))["message_zh"] == ""
    await li.delete(FILE.format("rec2"))
    assert (await standing(li, "rec2"))["message_zh"] == ""
    maker.may.set()
    assert (await li.post(FILE.format("rec1"))).json()["state"] == "waiting"
    await later.done()
    told = await standing(li)
    assert (told["state"], told["message_zh"]) == ("ready", "")
    assert [path.suffix for path in folder.iterdir()] == [".mkv"]
    await later.close()


async def test_that_something_was_not_made_is_told_for_some_hours(
    world: World, community: Ids, maker: Maker
) -> None:
    await recorded(world, community)
    li = await world.signed_in("li")
    await li.post(FILE.format("rec1"))
    await maker.has_begun.wait()
    await world.services.lesson_files.close()
    files = await started_again(world)
    await files.sweep(world.clock() + KEPT_S - 1)
    assert (await standing(li))["message_en"]
    await files.sweep(world.clock() + KEPT_S)
    assert (await standing(li))["message_en"] == ""
    assert list((world.settings.recordings / LESSON_FILES).iterdir()) == []


async def test_a_child_that_is_killed_leaves_nothing(
    world: World, community: Ids, maker: Maker
) -> None:
    """Also when it had renamed its file and was killed before it said so."""
    await recorded(world, community)
    li, folder = await world.signed_in("li"), world.settings.recordings / LESSON_FILES

    await li.post(FILE.format("rec1"))
    await maker.has_begun.wait()
    (asked,) = folder.iterdir()
    path = folder / asked.name.removeprefix(".").removesuffix(".asked")
    for left in (path, *asides_of(path)):
        left.touch()
    maker.answers = [ChildFailed("killed")]
    maker.may.set()
    await world.services.lesson_files.done()
    assert (await standing(li))["state"] == "failed"
    assert list(folder.iterdir()) == []


async def test_what_is_not_finished_has_no_file(world: World, community: Ids) -> None:
    await recorded(world, community)
    async with world.services.database.write() as session:
        row = await session.get(Recording, "rec1")
        assert row is not None
        row.state = RecordingPhase.FINISHING
    li = await world.signed_in("li")
    refused = await li.post(FILE.format("rec1"))
    assert (refused.status_code, refused.json()["code"]) == (409, "recording-unfinished")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("圆的面积", "圆的面积 2027-01-15.mkv"),
        ('a/b\\c: "d"?', "a b c d 2027-01-15.mkv"),
        ("..", ".. 2027-01-15.mkv"),
        ("  ", "lesson 2027-01-15.mkv"),
        ("长" * 120, "长" * 60 + " 2027-01-15.mkv"),
    ],
)
def test_names_are_such_as_file_systems_take(title: str, name: str) -> None:
    assert file_name(title, 1_800_000_000.0) == name
    assert len(name.encode()) <= 255
