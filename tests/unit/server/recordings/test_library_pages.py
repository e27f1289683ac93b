"""The library is searched, and read a page at a time."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from itertools import chain
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from server.database.models import Recording, RecordingPhase, Visibility
from tests.unit.server.recordings.recorded import Ids, recorded
from tests.unit.server.world import World, pages


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


@pytest.mark.parametrize("field", ["text", "subject", "school"])
@pytest.mark.parametrize("words", ["\0", "圆\0", "a\nb"])
async def test_a_search_for_what_no_name_has_is_refused(
    admin: httpx.AsyncClient, field: str, words: str
) -> None:
    """SQLite found everything with a NUL, and PostgreSQL fails of one."""
    answer = await admin.get("/api/recordings", params={field: words})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {field})


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


@pytest.mark.parametrize(
    ("title", "found", "not_found"),
    [
        ("First 50%", ["ｆｉｒｓｔ", "５０％", "FIRST"], ["51%", "ｆｉｒｓｔｓ"]),
        ("ＡＢＣ２班", ["abc", "ABC", "2班", "ｂｃ"], ["abd"]),
        ("Le café", ["CAFÉ", "cafe\u0301", "ｃａｆé"], ["cafè"]),
    ],
)
async def test_width_and_case_make_no_difference_to_a_search(
    world: World, community: Ids, title: str, found: list[str], not_found: list[str]
) -> None:
    await recorded(world, community, "one", title=title)
    li = await world.signed_in("li")
    for words, rows in (*((one, 1) for one in found), *((one, 0) for one in not_found)):
        answer = await li.get("/api/recordings", params={"text": words})
        assert len(answer.json()) == rows, words


async def test_a_search_for_as_many_words_as_fit_is_answered(world: World, community: Ids) -> None:
    """Each is looked for in several spellings and places; databases bound how deep one asks."""
    await recorded(world, community, "one", title="é")
    li = await world.signed_in("li")
    answer = await li.get("/api/recordings", params={"text": " ".join("é" * 60)})
    assert [row["id"] for row in answer.json()] == ["one"]
