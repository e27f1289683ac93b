"""The timetable over HTTP: planning, starting, ending, seeing, tokens."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

import httpx
import pytest

from server.database.models import Lesson, LessonPhase
from signaling.protocol.messages import Mode, Role
from tests.unit.server.world import PASSWORD, World, lesson_body, pages, post

Ids = dict[str, str]


async def start_now(browser: httpx.AsyncClient, ids: Ids, **changes: Any) -> dict[str, Any]:
    return await post(browser, "/api/lessons", lesson_body(ids, **changes))


async def test_a_lesson_started_now_is_live_with_its_seats(world: World, community: Ids) -> None:
    li = await world.signed_in("li")
    lesson = await start_now(li, community)
    assert (lesson["state"], lesson["started_at"]) == ("live", world.clock())
    assert lesson["teacher"] == {"id": community["li"], "display_name": "李老师"}
    seats = [
        (seat["seat_id"], seat["role"], seat["classroom_id"], seat["name"], seat["school"])
        for seat in lesson["seats"]
    ]
    assert seats == [
        ("lead", "lead", community["room_0"], "李老师", "实验小学"),
        ("room-1", "room", community["room_1"], "1号教室", "青山小学"),
        ("room-2", "room", community["room_2"], "2号教室", "河湾小学"),
    ]
    assert (await li.get(f"/api/lessons/{lesson['id']}")).json() == lesson
    assert (await li.get("/api/lessons", params={"state": "live"})).json() == [lesson]
    assert (await li.get("/api/lessons", params={"state": "planned"})).json() == []


async def test_a_planned_lesson_starts_by_hand_and_ends(world: World, community: Ids) -> None:
    li = await world.signed_in("li")
    lesson = await start_now(li, community, starts_at=world.clock() + 3600)
    path = f"/api/lessons/{lesson['id']}"
    assert lesson["state"] == "planned"
    refused = await li.post(f"{path}/end")
    assert (refused.status_code, refused.json()["code"]) == (409, "lesson-not-open")
    for _ in range(2):  # pressing twice changes nothing
        started = await li.post(f"{path}/start")
        assert started.json()["state"] == "live"
    world.clock.pass_s(60)
    for _ in range(2):
        ended = await li.post(f"{path}/end")
        assert (ended.json()["state"], ended.json()["ended_at"]) == ("ended", world.clock())
    again = await li.post(f"{path}/start")
    assert (again.status_code, again.json()["code"]) == (409, "lesson-over")


async def test_a_cancelled_lesson_comes_back_to_its_teacher(world: World, community: Ids) -> None:
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    outsider = await world.signed_in("outsider")
    lesson = await start_now(li, community, starts_at=world.clock() + 3600)
    path = f"/api/lessons/{lesson['id']}"
    assert (await li.post(f"{path}/restore")).json() == lesson  # it is there, and stays
    assert (await li.delete(path)).status_code == 204
    assert (await li.get(path)).status_code == 404
    assert (await outsider.post(f"{path}/restore")).status_code == 404
    assert (await wang.post(f"{path}/restore")).json()["code"] == "not-its-teacher"
    for _ in range(2):
        assert (await li.post(f"{path}/restore")).json() == lesson
    assert (await li.get("/api/lessons")).json() == [lesson]


def series_body(world: World, ids: Ids, *weeks: float) -> dict[str, Any]:
    body = lesson_body(ids)
    del body["starts_at"]
    return {**body, "starts": [world.clock() + 3600 + week * 604_800 for week in weeks]}


async def test_a_series_is_lessons_of_their_own(world: World, community: Ids) -> None:
    li = await world.signed_in("li")
    answer = await li.post("/api/lessons/series", json=series_body(world, community, 0, 1, 3))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (await li.get("/api/lessons")).json() == made
    assert [lesson["starts_at"] - world.clock() - 3600 for lesson in made] == [
        0,
        604_800,
        3 * 604_800,
    ]
    path = f"/api/lessons/{made[1]['id']}"
    assert (await li.patch(path, json={"title": "分数"})).json()["title"] == "分数"
    assert (await li.delete(f"/api/lessons/{made[2]['id']}")).status_code == 204
    left = (await li.get("/api/lessons")).json()
    assert [lesson["title"] for lesson in left] == ["圆的面积", "分数"]


@pytest.mark.parametrize(
    ("weeks", "field"),
    [([], "starts"), ([0, 1, 1], "starts"), (range(31), "starts"), ([0, -1], "starts_at")],
)
async def test_a_wrong_series_is_refused_whole(
    world: World, community: Ids, weeks: list[float], field: str
) -> None:
    li = await world.signed_in("li")
    answer = await li.post("/api/lessons/series", json=series_body(world, community, *weeks))
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {field})
    assert (await li.get("/api/lessons")).json() == []


async def test_lessons_are_listed_by_their_time(world: World, community: Ids) -> None:
    li, now = await world.signed_in("li"), world.clock()
    made = [
        await start_now(li, community, starts_at=now + hours * 3600, title=f"第{hours}课")
        for hours in (3, 1, 2)
    ]
    listed = (await li.get("/api/lessons")).json()
    assert [lesson["title"] for lesson in listed] == ["第1课", "第2课", "第3课"]
    part = await li.get("/api/lessons", params={"from": now + 3600, "to": now + 3 * 3600})
    assert [lesson["title"] for lesson in part.json()] == ["第1课", "第2课"]
    assert len(made) == 3


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"title": ""}, 422, "title"),
        ({"mode": "lecture"}, 422, "mode"),
        ({"community_id": "none"}, 422, "community_id"),
        ({"lead_classroom_id": "none"}, 422, "lead_classroom_id"),
        ({"lead_classroom_id": "{room_3}"}, 422, "lead_classroom_id"),
        ({"room_classroom_ids": []}, 422, "room_classroom_ids"),
        ({"room_classroom_ids": ["{room_1}", "{room_1}"]}, 422, "room_classroom_ids"),
        ({"room_classroom_ids": ["{room_0}"]}, 422, "room_classroom_ids"),
        ({"room_classroom_ids": ["{room_3}"]}, 422, "room_classroom_ids"),
        ({"room_classroom_ids": [f"r{n}" for n in range(17)]}, 422, "room_classroom_ids"),
        ({"starts_at": -1}, 422, "starts_at"),
        ({"starts_at": 1e300}, 422, "starts_at"),
        ({"record": "perhaps"}, 422, "record"),
    ],
)
async def test_wrong_lessons_are_refused(
    world: World, community: Ids, changes: dict[str, Any], status: int, field: str
) -> None:
    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [known(each) for each in value]
        return value.format(**community) if isinstance(value, str) else value

    li = await world.signed_in("li")
    wrong = {name: known(value) for name, value in changes.items()}
    answer = await li.post("/api/lessons", json=lesson_body(community, **wrong))
    assert answer.status_code == status, answer.text
    assert set(answer.json()["fields"]) == {field}
    assert (await li.get("/api/lessons")).json() == []


async def test_a_teacher_of_another_community_starts_and_sees_nothing(
    world: World, community: Ids
) -> None:
    outsider = await world.signed_in("outsider")
    answer = await outsider.post("/api/lessons", json=lesson_body(community))
    assert (answer.status_code, answer.json()["code"]) == (403, "not-your-community")
    lesson = await start_now(await world.signed_in("li"), community)
    assert (await outsider.get("/api/lessons")).json() == []
    assert (await outsider.get(f"/api/lessons/{lesson['id']}")).status_code == 404


@pytest.mark.parametrize("action", ["start", "end", "PATCH", "DELETE"])
async def test_only_its_teacher_and_administrators_handle_a_lesson(
    world: World, admin: httpx.AsyncClient, community: Ids, action: str
) -> None:
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    lesson = await start_now(li, community, starts_at=world.clock() + 3600)
    path = f"/api/lessons/{lesson['id']}"

    async def act(browser: httpx.AsyncClient) -> httpx.Response:
        if action in {"start", "end"}:
            return await browser.post(f"{path}/{action}")
        return await browser.request(action, path, json={} if action == "PATCH" else None)

    refused = await act(wang)
    assert (refused.status_code, refused.json()["code"]) == (403, "not-its-teacher")
    assert (await act(admin)).status_code in {200, 204, 409}
    assert (await act(admin)).json().get("code") != "not-its-teacher"


async def test_a_planned_lesson_changes_wholly_a_live_one_its_words(
    world: World, community: Ids
) -> None:
    li = await world.signed_in("li")
    lesson = await start_now(li, community, starts_at=world.clock() + 3600)
    path = f"/api/lessons/{lesson['id']}"
    later = world.clock() + 7200
    changed = await li.patch(
        path,
        json={
            "mode": "blended",
            "starts_at": later,
            "room_classroom_ids": [community["room_2"]],
            "lead_classroom_id": community["room_1"],
        },
    )
    told = changed.json()
    assert (told["mode"], told["starts_at"]) == ("blended", later)
    assert [(s["seat_id"], s["classroom_id"]) for s in told["seats"]] == [
        ("lead", community["room_1"]),
        ("room-1", community["room_2"]),
    ]
    await li.post(f"{path}/start")
    assert (await li.patch(path, json={"title": "新标题"})).json()["title"] == "新标题"
    refused = await li.patch(path, json={"mode": "delivery"})
    assert (refused.status_code, refused.json()["code"]) == (409, "lesson-begun")
    refused = await li.patch(path, json={"room_classroom_ids": [community["room_0"]]})
    assert refused.json()["code"] == "lesson-begun"


async def test_a_live_lesson_cannot_be_deleted_nor_what_it_needs(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    li = await world.signed_in("li")
    lesson = await start_now(li, community)
    paths = [
        f"/api/lessons/{lesson['id']}",
        f"/api/classrooms/{community['room_1']}",
        f"/api/communities/{community['community']}",
        f"/api/users/{community['li']}",
    ]
    for path in paths:
        answer = await admin.delete(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "in-live-lesson")
    await li.post(f"/api/lessons/{lesson['id']}/end")
    for path in paths:
        assert (await admin.delete(path)).status_code == 204


TOKENS = [
    # who, role, seat asked for, status or the seat got
    ("li", "lead", None, "lead"),
    ("li", "lead", "lead", "lead"),
    ("li", "lead", "room-1", 422),
    ("li", "room", "room-1", "room-1"),
    ("li", "room", None, 422),
    ("li", "room", "lead", 422),
    ("li", "room", "room-9", 422),
    ("li", "assistant", None, "assistant-{li}"),
    ("li", "observer", None, "observer-{li}"),
    ("li", "observer", "room-1", 422),
    ("wang", "lead", None, 403),
    ("wang", "room", "room-1", "room-1"),
    ("wang", "room", "room-2", 403),
    ("wang", "assistant", None, "assistant-{wang}"),
    ("wang", "observer", None, "observer-{wang}"),
    ("outsider", "observer", None, 404),
    ("admin", "lead", None, "lead"),
]


@pytest.mark.parametrize("case", TOKENS)
async def test_who_gets_a_token_for_what(
    world: World, community: Ids, case: tuple[str, str, str | None, int | str]
) -> None:
    who, role, seat_id, expected = case
    lesson = await start_now(await world.signed_in("li"), community)
    browser = await world.signed_in(who)
    body = {"role": role, "seat_id": seat_id}
    answer = await browser.post(f"/api/lessons/{lesson['id']}/token", json=body)
    if isinstance(expected, int):
        assert answer.status_code == expected, answer.text
        assert answer.json()["message_zh"]
        return
    told = answer.json()
    assert told["expires_at"] == world.clock() + world.settings.join_token_s
    identity = world.services.tokens.verify(told["token"], world.clock())
    seat = expected.format(**community)
    assert (identity.lesson_id, identity.seat_id) == (lesson["id"], seat)
    assert (identity.role, told["seat_id"]) == (Role(role), seat)


async def test_no_token_before_or_after_the_lesson(world: World, community: Ids) -> None:
    li = await world.signed_in("li")
    lesson = await start_now(li, community, starts_at=world.clock() + 3600)
    path = f"/api/lessons/{lesson['id']}"
    codes = []
    for act in ("", "start", "end"):
        if act:
            await li.post(f"{path}/{act}")
        answer = await li.post(f"{path}/token", json={"role": "lead"})
        codes.append((answer.status_code, answer.json().get("code")))
    assert codes == [(409, "lesson-not-open"), (200, None), (409, "lesson-over")]


async def test_the_whole_timetable_is_read_page_by_page(world: World, community: Ids) -> None:
    """What is live comes first and once, whenever it was to start."""
    now = world.clock()
    begins = [now + 3600.0 * (number // 3) for number in range(610)]
    async with world.services.database.write() as session:
        session.add_all(
            Lesson(
                id=f"l{number:03}",
                created_at=0.0,
                community_id=community["community"],
                teacher_id=community["li"],
                teacher_name="李老师",
                title="圆的面积",
                subject="",
                grade="",
                mode=Mode.BLENDED,
                state=LessonPhase.LIVE if number == 7 else LessonPhase.PLANNED,
                starts_at=starts_at,
                record=False,
            )
            for number, starts_at in enumerate(begins)
        )
    li = await world.signed_in("li")
    found = await pages(li, "/api/lessons?limit=100")
    assert [len(page) for page in found] == [100] * 6 + [10]
    ids = list(chain(*found))
    assert sorted(ids) == [f"l{number:03}" for number in range(610)]
    assert "l007" in found[0]
    starts = [[begins[int(name[1:])] for name in page if name != "l007"] for page in found]
    assert all(page == sorted(page) for page in starts)
    assert all(min(page) >= max(later) for page, later in pairwise(starts))
    some = await pages(li, f"/api/lessons?limit=50&from={now + 36_000}&to={now + 360_000}")
    assert sorted(chain(*some)) == ["l007", *(f"l{number:03}" for number in range(30, 300))]


async def test_a_classroom_is_in_one_lesson_at_a_time(world: World, community: Ids) -> None:
    li, wang = await world.signed_in("li"), await world.signed_in("wang")
    first = await start_now(li, community)
    body = lesson_body(
        community,
        lead_classroom_id=community["room_1"],
        room_classroom_ids=[community["room_2"]],
    )
    refused = await wang.post("/api/lessons", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "classroom-busy")
    assert "圆的面积" in refused.json()["message_zh"]
    assert len((await wang.get("/api/lessons")).json()) == 1
    world.clock.pass_s(301)  # nobody has led the first for five minutes: it was forgotten
    second = await post(wang, "/api/lessons", body)
    assert second["state"] == "live"
    assert (await li.get(f"/api/lessons/{first['id']}")).json()["state"] == "ended"


async def test_password_of_a_teacher_is_never_told(world: World, community: Ids) -> None:
    li = await world.signed_in("li")
    lesson = await start_now(li, community)
    for path in ("/api/session", "/api/lessons", f"/api/lessons/{lesson['id']}"):
        text = (await li.get(path)).text
        assert PASSWORD not in text
        assert "argon2" not in text
