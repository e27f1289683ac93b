"""The library: what recording tells, who sees it, which files are given out."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import Engine, event, update

from recorder.manifest import Manifest, manifest_from
from server.database.models import Recording, RecordingPhase, Visibility
from server.recordings.library import Catalogue
from server.recordings.recorded import Interruption
from server.timekeeper import Timekeeper
from tests.unit.server.world import World, lesson_body, pages, post

Ids = dict[str, str]
PART = {
    "part_id": "p1",
    "seat_id": "lead",
    "source": "teacher",
    "name": "李老师",
    "school": "实验小学",
    "file": "part-1.mp4",
    "mime": "video/mp4",
    "start_s": 0.0,
    "duration_s": 60.0,
    "has_video": True,
    "has_audio": True,
}
FILM = bytes(range(256)) * 8


def manifest(**changes: Any) -> Manifest:
    members = {
        "started_at": 1_800_000_005.0,
        "duration_s": 61.5,
        "poster": "poster.jpg",
        "parts": [PART],
        "events": [{"at": 1_800_000_006.0, "type": "floor_given", "seat_id": "room1"}],
        **changes,
    }
    return manifest_from(members, where="this test")


async def recorded(world: World, ids: Ids, name: str = "rec1", **changes: Any) -> str:
    """A lesson that was recorded, ended and finished, with its files; gives the recording's id."""
    li = await world.signed_in("li")
    lesson = await post(li, "/api/lessons", lesson_body(ids, **changes))
    catalogue = Catalogue(world.services.pending_writes, world.clock)
    await catalogue.added(name, lesson["id"], world.clock())
    await li.post(f"/api/lessons/{lesson['id']}/end")
    await catalogue.finished(name, manifest(started_at=world.clock()))
    folder = world.settings.recordings / name
    folder.mkdir()
    (folder / "part-1.mp4").write_bytes(FILM)
    (folder / "poster.jpg").write_bytes(b"jpg")
    (folder / "journal").write_bytes(b"not for browsers")
    return name


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


async def seen_by(world: World, who: str) -> set[str]:
    browser = await world.signed_in(who)
    return {row["id"] for row in (await browser.get("/api/recordings")).json()}


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


async def test_a_recording_is_seen_by_who_sat_in_it_then_by_the_region(
    world: World, community: Ids
) -> None:
    await recorded(world, community)
    assert await seen_by(world, "wang") == {"rec1"}
    assert await seen_by(world, "admin") == {"rec1"}
    assert await seen_by(world, "outsider") == set()
    outsider = await world.signed_in("outsider")
    for path in ("/api/recordings/rec1", "/media/recordings/rec1/part-1.mp4"):
        assert (await outsider.get(path)).status_code == 404
    wang, li = await world.signed_in("wang"), await world.signed_in("li")
    body = {"visibility": "region", "title": "圆的面积（公开课）"}
    refused = await wang.patch("/api/recordings/rec1", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "not-its-teacher")
    assert (await li.patch("/api/recordings/rec1", json=body)).json()["title"] == body["title"]
    assert await seen_by(world, "outsider") == {"rec1"}
    assert (await outsider.get("/media/recordings/rec1/part-1.mp4")).content == FILM


async def set_partners(admin: httpx.AsyncClient, ids: Ids, *schools: str) -> None:
    body = {"partner_school_ids": [ids[school] for school in schools]}
    answer = await admin.patch(f"/api/communities/{ids['community']}", json=body)
    assert answer.status_code == 200, answer.text


async def test_who_sat_in_a_lesson_keeps_it_and_who_comes_later_sees_nothing_from_before(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    await recorded(world, community, "before")
    alone = {"room_classroom_ids": [community["room_2"]]}
    await recorded(world, community, "without", **alone)  # rural_1 was asked to no seat
    assert await seen_by(world, "wang") == {"before"}

    await set_partners(admin, community, "rural_2", "elsewhere")  # one leaves, another joins
    await recorded(world, community, "after", room_classroom_ids=[community["room_3"]])
    assert await seen_by(world, "wang") == {"before"}
    assert await seen_by(world, "outsider") == {"after"}
    wang, outsider = await world.signed_in("wang"), await world.signed_in("outsider")
    film = "/media/recordings/before/part-1.mp4"
    assert (await wang.get(film)).content == FILM
    assert (await outsider.get(film)).status_code == 404

    # More is the owner's choice: to the schools that are in the community now, no others.
    li = await world.signed_in("li")
    for name in ("before", "without"):
        body = {"visibility": "community"}
        assert (await li.patch(f"/api/recordings/{name}", json=body)).status_code == 200
    assert await seen_by(world, "outsider") == {"before", "without", "after"}
    assert await seen_by(world, "wang") == {"before"}

    # A deleted community hides nothing from those who sat in it.
    path = f"/api/communities/{community['community']}"
    assert (await admin.delete(path)).status_code == 204
    assert await seen_by(world, "wang") == {"before"}
    assert await seen_by(world, "outsider") == {"after"}
    assert await seen_by(world, "li") == {"before", "without", "after"}
    world.clock.pass_s(31 * 86_400)  # and is gone for good
    await Timekeeper(world.services).tick()
    wang = await world.signed_in("wang")
    assert (await wang.get(film)).content == FILM


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["three", "two", "one"]),
        ({"text": "圆"}, ["one"]),
        ({"text": "数学 李老师"}, ["three", "one"]),
        ({"text": "青山"}, ["three", "two", "one"]),
        ({"text": "cell"}, ["two"]),
        ({"text": "%"}, []),
        ({"text": "_"}, []),
        ({"text": "\u200b圆\ufeff"}, ["one"]),  # as pasted from a chat
        ({"subject": "数学"}, ["three", "one"]),
        ({"school": "河湾小学"}, ["two", "one"]),
        ({"school": "河湾"}, []),
        ({"from": 1_800_000_100}, ["three", "two"]),
        ({"from": 1_800_000_100, "to": 1_800_000_200}, ["two"]),
    ],
)
async def test_recordings_are_found(
    world: World, community: Ids, query: dict[str, Any], found: list[str]
) -> None:
    await recorded(world, community, "one")
    world.clock.pass_s(100)
    await recorded(world, community, "two", title="The CELL", subject="生物")
    world.clock.pass_s(100)
    rooms = [community["room_1"]]
    await recorded(world, community, "three", title="分数", room_classroom_ids=rooms)
    li = await world.signed_in("li")
    rows = (await li.get("/api/recordings", params=query)).json()
    assert [row["id"] for row in rows] == found
    assert all(row["parts"] == [] == row["events"] for row in rows)


async def add_rows(world: World, teacher: str, *began: float) -> None:
    """Recordings as rows alone, by when they began."""
    async with world.services.database.write() as session:
        session.add_all(
            Recording(
                id=f"rec{number:03}",
                created_at=0.0,
                teacher_id=teacher,
                title="圆的面积",
                subject="数学" if number % 2 else "语文",
                grade="",
                teacher_name="李老师",
                started_at=started_at,
                state=RecordingPhase.READY,
                visibility=Visibility.LESSON,
            )
            for number, started_at in enumerate(began)
        )


async def test_the_whole_library_is_read_page_by_page(world: World, community: Ids) -> None:
    """Also those that began at the same moment, and more than five hundred."""
    began = [1_790_000_000.1 + number // 4 for number in range(620)]
    await add_rows(world, community["li"], *began)
    newest = sorted(range(620), key=lambda number: (-began[number], number))
    ids = [f"rec{number:03}" for number in newest]
    li = await world.signed_in("li")
    found = await pages(li, "/api/recordings")
    assert [len(page) for page in found] == [100] * 6 + [20]
    assert list(chain(*found)) == ids
    assert [len(page) for page in await pages(li, "/api/recordings?limit=310")] == [310, 310]
    some = await pages(li, "/api/recordings?subject=数学&limit=150")  # what was asked stays so
    assert [len(page) for page in some] == [150, 150, 10]
    assert list(chain(*some)) == [name for name in ids if int(name[3:]) % 2]


async def test_what_comes_and_goes_meanwhile_moves_no_page(world: World, community: Ids) -> None:
    await add_rows(world, community["li"], *range(100, 110))
    li = await world.signed_in("li")
    first = await li.get("/api/recordings?limit=4")
    assert [row["id"] for row in first.json()] == ["rec009", "rec008", "rec007", "rec006"]
    assert (await li.delete("/api/recordings/rec006")).status_code == 204  # the last one told
    async with world.services.database.write() as session:
        newer = update(Recording).where(Recording.id == "rec003").values(started_at=500.0)
        await session.execute(newer)
    rest = await pages(li, first.links["next"]["url"])
    assert rest == [["rec005", "rec004", "rec002", "rec001"], ["rec000"]]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "!",
        "é",
        "x" * 1000,
        *(
            urlsafe_b64encode(json.dumps(place).encode()).decode()
            for place in (
                1,
                [],
                {"at": 1},
                [1.0],
                [1.0, 2.0],
                ["a", "b"],
                [float("nan"), "b"],
                [float("inf"), "b"],
                [None, "b"],
                [1.0, "b", "c"],
                [1.0, "b\0"],
                [1.0, "b" * 100],
                [[1.0], "b"],
            )
        ),
    ],
)
async def test_a_cursor_that_is_none_is_refused(admin: httpx.AsyncClient, cursor: str) -> None:
    answer = await admin.get("/api/recordings", params={"after": cursor})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"after"})


@pytest.mark.parametrize("limit", ["0", "-1", "501", "many"])
async def test_a_page_has_its_bounds(admin: httpx.AsyncClient, limit: str) -> None:
    answer = await admin.get("/api/recordings", params={"limit": limit})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"limit"})


async def test_a_huge_number_in_a_cursor_finds_what_comes_after(admin: httpx.AsyncClient) -> None:
    place = json.dumps([10**200, "b"]).encode()
    params = {"after": urlsafe_b64encode(place).decode().rstrip("=")}
    answer = await admin.get("/api/recordings", params=params)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("field", ["text", "subject", "school"])
@pytest.mark.parametrize("words", ["\0", "圆\0", "a\nb"])
async def test_a_search_for_what_no_name_has_is_refused(
    admin: httpx.AsyncClient, field: str, words: str
) -> None:
    """SQLite found everything with a NUL, and PostgreSQL fails of one."""
    answer = await admin.get("/api/recordings", params={field: words})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {field})


async def test_files_come_whole_and_in_ranges(world: World, community: Ids) -> None:
    await recorded(world, community)
    li, path = await world.signed_in("li"), "/media/recordings/rec1/part-1.mp4"
    whole = await li.get(path)
    assert (whole.status_code, whole.content) == (200, FILM)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["cache-control"] == "no-store"
    part = await li.get(path, headers={"range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, FILM[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(FILM)}"
    tail = await li.get(path, headers={"range": "bytes=-10"})
    assert tail.content == FILM[-10:]
    assert (await li.get(path, headers={"range": "bytes=99999-"})).status_code == 416
    head = await li.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(FILM))


@pytest.mark.parametrize(
    "name",
    [
        "journal",
        "manifest.json",
        "../other/part-1.mp4",
        "..%2f..%2ftongke.db",
        "%2e%2e/%2e%2e/tongke.db",
        "/etc/passwd",
        "part-1.mp4%00.jpg",
        "",
    ],
)
async def test_no_other_file_is_given_out(world: World, community: Ids, name: str) -> None:
    await recorded(world, community)
    li = await world.signed_in("li")
    answer = await li.get(f"/media/recordings/rec1/{name}")
    assert answer.status_code in {404, 422}


async def test_a_manifest_cannot_lead_out_of_the_folder(world: World, community: Ids) -> None:
    await recorded(world, community)
    (world.settings.recordings / "secret.mp4").write_bytes(b"secret")
    evil = manifest(parts=[{**PART, "file": "../secret.mp4"}], poster="/etc/passwd")
    await Catalogue(world.services.pending_writes, world.clock).finished("rec1", evil)
    li = await world.signed_in("li")
    for name in ("..%2fsecret.mp4", "%2fetc%2fpasswd"):
        assert (await li.get(f"/media/recordings/rec1/{name}")).status_code == 404


async def test_nobody_unknown_gets_a_file(world: World, community: Ids) -> None:
    await recorded(world, community)
    browser = await world.browser()
    assert (await browser.get("/media/recordings/rec1/part-1.mp4")).status_code == 401


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
    keeper = Timekeeper(world.services)
    world.clock.pass_s(29 * 86_400)
    await keeper.tick()
    assert kept(world) == ["rec1"]
    world.clock.pass_s(2 * 86_400)
    await keeper.tick()
    assert kept(world) == []


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
