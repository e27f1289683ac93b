"""A recording's life in the library: what is told of it, what it outlives, how it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import Engine, event, update

from server.database.models import Recording, RecordingPhase
from server.recordings.library import Catalogue
from server.recordings.recorded import Interruption
from server.timekeeper import Timekeeper
from tests.unit.server.recordings.recorded import FILM, PART, Ids, manifest, recorded
from tests.unit.server.world import World, lesson_body, post


def kept(world: World) -> list[str]:
    """The folders of recordings on the disk."""
    return [path.name for path in world.settings.recordings.iterdir()]


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


async def test_a_recording_goes_through_its_life(world: World, community: Ids) -> None:
    li = await world.signed_in("li")
    lesson = await post(li, "/api/lessons", lesson_body(community))
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    states = []

    async def look() -> dict[str, Any]:
        row: dict[str, Any] = (await li.get("/api/recordings/rec1")).json()
        states.append(row["state"])
        return row

    for _ in range(2):  # told twice after a crash
        await catalogue.added("rec1", lesson["id"], world.clock())
    await look()
    refused = await li.delete("/api/recordings/rec1")
    assert (refused.status_code, refused.json()["code"]) == (409, "recording-unfinished")
    await li.post(f"/api/lessons/{lesson['id']}/end")
    await look()
    await catalogue.failed("rec1", "disk full")
    await look()
    await catalogue.finished("rec1", manifest())  # tried again after a restart
    row = await look()
    await catalogue.failed("rec1", "too late")  # what is ready stays ready
    await look()
    assert states == ["recording", "finishing", "failed", "ready", "ready"]
    assert row["parts"] == [PART]
    given = {"at": 1_800_000_006.0, "type": "floor_given", "seat_id": "room1", "start_s": 1.0}
    assert row["events"] == [given]
    assert (row["duration_s"], row["started_at"]) == (61.5, 1_800_000_005.0)
    assert (row["poster"], row["visibility"]) == ("poster.jpg", "lesson")
    assert (row["title"], row["teacher"], row["lesson_id"]) == ("圆的面积", "李老师", lesson["id"])
    assert row["schools"] == ["实验小学", "青山小学", "河湾小学"]


async def test_what_is_missing_is_in_every_view(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """Paused while it goes on, failed, incomplete; in the list too, in a word."""
    li = await world.signed_in("li")
    lesson = await post(li, "/api/lessons", lesson_body(community))
    catalogue = Catalogue(world.services.pending_writes, world.clock)

    async def told() -> tuple[str, str]:
        row = (await admin.get("/api/recordings/rec1")).json()
        (listed,) = (await admin.get("/api/recordings")).json()
        others = (await li.get("/api/recordings/rec1")).json()["incomplete"]
        assert bool(others) == bool(row["incomplete"])
        assert "disk" not in others  # where it lies is nobody's but the administrator's
        assert (listed["state"], listed["incomplete"]) == (row["state"], row["incomplete"])
        assert listed["pauses"] == [] == listed["missing"]
        return row["state"], row["incomplete"]

    await catalogue.added("rec1", lesson["id"], world.clock())
    assert await told() == ("recording", "")
    recording = FakeRecording()
    world.app.state.services = replace(world.services, recording=cast(Any, recording))
    assert await told() == ("recording", "")
    for over in (False, True):  # it stands still, and goes on again
        recording.interruption = Interruption("disk-full", "The disk is full.", over)
        assert await told() == ("recording", "The disk is full.")
        (listed,) = (await li.get("/api/recordings")).json()
        assert listed["interrupted"] == {"code": "disk-full", "over": over}
    await li.post(f"/api/lessons/{lesson['id']}/end")
    assert await told() == ("finishing", "")
    await catalogue.failed("rec1", "It cannot be read.")
    assert await told() == ("failed", "It cannot be read.")
    pause = {
        **{"start_s": 3.0, "duration_s": 4.0, "before_s": 1.5},
        **{"code": "disk-full", "text": "The disk is full."},
    }
    lost = {"seat_id": "lead", "source": "teacher", "file": "x", "start_s": 1.0, "text": "Torn."}
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, ""),
        ({"incomplete": "The disk is full.", "pauses": [pause]}, "The disk is full."),
        ({"incomplete": "", "missing": [lost]}, "Torn."),
        ({"parts_failed": ["part-1"]}, "A part of it could not be made: part-1"),
    )
    for changes, incomplete in cases:
        await catalogue.finished("rec1", manifest(**changes))
        assert await told() == ("ready", incomplete)
        row = (await li.get("/api/recordings/rec1")).json()
        told_of = ("start_s", "duration_s", "before_s", "code")
        pauses = [{name: pause[name] for name in told_of}]
        assert row["pauses"] == (pauses if "pauses" in changes else [])
        missing = [{name: lost[name] for name in ("seat_id", "source", "start_s")}]
        assert row["missing"] == (missing if "missing" in changes else [])


class FakeRecording:
    """Recording, as far as the library asks it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.interruption: Interruption | None = None

    def interruption_of(self, recording_id: str) -> Interruption | None:
        return self.interruption

    def finish_again(self, recording_id: str) -> None:
        self.asked.append(recording_id)


async def test_the_program_stands_apart_from_the_seats(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """Whoever plays all of `parts` hears each voice once."""
    await recorded(world, community)
    li = await world.signed_in("li")
    lesson = await post(li, "/api/lessons", lesson_body(community))
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    await catalogue.added("rec2", lesson["id"], world.clock())
    await li.post(f"/api/lessons/{lesson['id']}/end")
    program = {**PART, "part_id": "part-2", "seat_id": "program", "file": "part-2.mp4"}
    whole = [PART, {**program, "source": "program"}]
    lost = {"seat_id": "program", "source": "mix", "start_s": 2.0, "text": "a hole"}
    await catalogue.finished("rec2", manifest(parts=whole, missing=[lost]))
    row = (await admin.get("/api/recordings/rec2")).json()
    assert (row["parts"], row["program"]) == ([PART], [whole[1]])
    assert [(one["seat_id"], one["source"]) for one in row["missing"]] == [("program", "mix")]


async def test_the_list_loads_no_manifests(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """A whole day's chat in each of five hundred would be gigabytes."""
    await recorded(world, community)
    with statements() as asked:
        (row,) = (await admin.get("/api/recordings")).json()
    listed = [one for one in asked if "FROM recordings" in one]
    assert (row["id"], len(listed) > 0) == ("rec1", True)
    assert not [one for one in listed if "manifest" in one]
    with statements() as asked:
        assert (await admin.get("/api/recordings/rec1")).json()["parts"] == [PART]
    assert [one for one in asked if "recordings.manifest" in one]


async def test_what_failed_is_finished_again_by_its_teacher(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    recording = FakeRecording()
    await recorded(world, community)
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    path = "/api/recordings/rec1/finish"
    refused = await li.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "recording-not-failed")
    async with world.services.database.write() as session:
        await session.execute(update(Recording).values(state=RecordingPhase.FINISHING))
    await catalogue.failed("rec1", "The disk is full.")
    unable = await li.post(path)  # this server records nothing
    assert (unable.status_code, unable.json()["code"]) == (503, "not-recording")
    world.app.state.services = replace(world.services, recording=cast(Any, recording))
    assert (await wang.post(path)).status_code == 403
    assert recording.asked == []
    for person in (li, admin):
        answer = await person.post(path)
        assert (answer.status_code, answer.json()["state"]) == (200, "finishing")
        assert recording.asked.pop() == "rec1"
        await catalogue.failed("rec1", "The disk is full.")
    await catalogue.finishing("rec1")  # by itself
    assert (await li.get("/api/recordings/rec1")).json()["state"] == "finishing"
    await catalogue.finished("rec1", manifest())
    await catalogue.finishing("rec1")  # what is ready stays ready
    assert (await li.get("/api/recordings/rec1")).json()["state"] == "ready"


@pytest.mark.parametrize(
    "held",
    [
        {},
        {"parts": "none"},
        {"version": 2},
        {"started_at": 0.0, "duration_s": 1.0, "parts": [{**PART, "source": "the moon"}]},
    ],
)
async def test_a_row_that_cannot_be_read_is_refused_in_words(
    world: World, admin: httpx.AsyncClient, community: Ids, held: dict[str, Any]
) -> None:
    """By itself: the list, and what can be read beside it, are there."""
    await recorded(world, community, "good")
    await recorded(world, community, "bad")
    async with world.services.database.write() as session:
        await session.execute(update(Recording).where(Recording.id == "bad").values(manifest=held))
    refused = await admin.get("/api/recordings/bad")
    assert (refused.status_code, refused.json()["code"]) == (409, "manifest-unreadable")
    assert (await admin.get("/api/recordings/good")).json()["parts"] == [PART]
    listed = (await admin.get("/api/recordings")).json()
    assert {row["id"] for row in listed} == {"good", "bad"}


async def test_recordings_of_unknown_lessons_harm_nothing(
    world: World, admin: httpx.AsyncClient
) -> None:
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    await catalogue.added("rec1", "nowhere", 0.0)
    await catalogue.finished("rec1", manifest())
    await catalogue.failed("rec1", "no reason")
    assert (await admin.get("/api/recordings")).json() == []


async def test_a_recording_is_deleted_restored_and_gone_with_its_files(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    await recorded(world, community)
    li = await world.signed_in("li")
    assert (await li.delete("/api/recordings/rec1")).status_code == 204
    assert (await li.get("/media/recordings/rec1/part-1.mp4")).status_code == 404
    assert (await admin.post("/api/deleted/recordings/rec1/restore")).status_code == 200
    assert (await li.get("/media/recordings/rec1/part-1.mp4")).content == FILM
    await li.delete("/api/recordings/rec1")
    keeper = Timekeeper(world.services, monotonic=world.clock)
    world.clock.pass_s(29 * 86_400)
    await keeper.tick()
    assert kept(world) == ["rec1"]
    world.clock.pass_s(2 * 86_400)
    await keeper.tick()
    assert kept(world) == []


async def test_who_may_delete_a_recording_may_undo_it(world: World, community: Ids) -> None:
    await recorded(world, community)
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    outsider = await world.signed_in("outsider")
    path = "/api/recordings/rec1"
    assert (await li.delete(path)).status_code == 204
    assert (await li.get(path)).status_code == 404
    refused = await wang.post(f"{path}/restore")  # sat in the lesson, and sees it
    assert (refused.status_code, refused.json()["code"]) == (403, "not-its-teacher")
    assert (await outsider.post(f"{path}/restore")).status_code == 404
    assert (await li.get(path)).status_code == 404
    for _ in range(2):  # pressed twice
        answer = await li.post(f"{path}/restore")
        assert (answer.status_code, answer.json()["title"]) == (200, "圆的面积")
    assert (await li.get("/media/recordings/rec1/part-1.mp4")).content == FILM
    assert (await li.post("/api/recordings/none/restore")).status_code == 404


async def test_a_recording_outlives_its_lesson_and_teacher(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    await recorded(world, community)
    lesson = (await admin.get("/api/lessons")).json()[0]["id"]
    for path in (f"/api/lessons/{lesson}", f"/api/users/{community['li']}"):
        assert (await admin.delete(path)).status_code == 204
    world.clock.pass_s(31 * 86_400)
    await Timekeeper(world.services).tick()
    row = (await (await world.signed_in("admin")).get("/api/recordings/rec1")).json()
    assert (row["lesson_id"], row["teacher_id"], row["teacher"]) == (None, None, "李老师")
