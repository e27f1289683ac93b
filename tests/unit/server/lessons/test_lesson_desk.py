"""Lessons open and end on time; signaling's state survives; the forgotten are ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.database.models import Lesson
from server.lessons.event_log import log_path
from server.services import DELETION
from server.timekeeper import Timekeeper
from signaling.protocol.messages import Mode, Role
from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.world import World, lesson_body, post, running_world

Ids = dict[str, str]


async def state(world: World, lesson_id: str) -> str:
    li = await world.signed_in("li")
    return str((await li.get(f"/api/lessons/{lesson_id}")).json()["state"])


async def test_a_due_lesson_opens_its_doors_before_its_time(world: World, community: Ids) -> None:
    lesson_id = await plan(world, community, 3600)
    desk = world.services.lessons
    world.clock.pass_s(3600 - world.settings.doors_open_s - 1)
    await desk.keep_time()
    assert await desk.plan(lesson_id) is None
    world.clock.pass_s(1)
    await desk.keep_time()
    made = await desk.plan(lesson_id)
    assert made is not None
    assert (made.title, made.mode, made.record) == ("圆的面积", Mode.DELIVERY, True)
    assert made.started_at == world.clock()
    assert [(seat.seat_id, seat.role) for seat in made.seats] == [
        ("lead", Role.LEAD),
        ("room-1", Role.ROOM),
        ("room-2", Role.ROOM),
    ]
    sent = {seat.seat_id: [s.source.value for s in seat.profile.sources] for seat in made.seats}
    assert "teacher" in sent["lead"]
    assert "room" in sent["room-1"]


async def test_a_lesson_of_yesterday_is_missed_not_opened(
    world: World, present: Present, community: Ids
) -> None:
    lesson_id = await plan(world, community, 60)
    world.clock.pass_s(60 + 3601)
    await world.services.lessons.keep_time()
    assert await state(world, lesson_id) == "ended"
    assert present.ended == []


async def test_a_due_lesson_waits_for_its_rooms(
    world: World, present: Present, community: Ids
) -> None:
    first = await plan(world, community, None)
    second = await plan(world, community, 600)
    present.there[first] = {"lead", "room-1"}
    world.clock.pass_s(600)
    await world.services.lessons.keep_time()
    assert (await state(world, first), await state(world, second)) == ("live", "planned")
    li = await world.signed_in("li")
    await li.post(f"/api/lessons/{first}/end")
    await world.services.lessons.keep_time()
    assert (await state(world, first), await state(world, second)) == ("ended", "live")


async def test_a_forgotten_lesson_gives_its_rooms_to_the_next(
    world: World, present: Present, community: Ids
) -> None:
    first = await plan(world, community, None)
    second = await plan(world, community, 900)
    present.there[first] = {"room-1", "room-2"}  # room PCs stay by themselves
    world.clock.pass_s(900)
    await world.services.lessons.keep_time()
    assert present.ended == [(first, "made-way")]
    assert (await state(world, first), await state(world, second)) == ("ended", "live")


@pytest.mark.parametrize(
    ("who", "changes"),
    [("outsider", {}), ("wang", {"room_classroom_ids": ["room_1", "room_3"]})],
)
async def test_who_may_not_plan_a_lesson_ends_no_forgotten_one(
    world: World, present: Present, community: Ids, who: str, changes: dict[str, list[str]]
) -> None:
    """A lesson that is refused makes no room for itself."""
    forgotten = await plan(world, community, None)
    present.there[forgotten] = {"room-1", "room-2"}
    world.clock.pass_s(3600)
    browser = await world.signed_in(who)
    wrong = {name: [community[room] for room in rooms] for name, rooms in changes.items()}
    answer = await browser.post("/api/lessons", json=lesson_body(community, **wrong))
    assert answer.status_code in {403, 422}
    assert (present.ended, await state(world, forgotten)) == ([], "live")


async def test_a_lesson_nobody_came_to_ends(world: World, present: Present, community: Ids) -> None:
    lesson_id = await plan(world, community, None)
    world.clock.pass_s(world.settings.empty_lesson_s - 1)
    await world.services.lessons.keep_time()
    assert await state(world, lesson_id) == "live"
    world.clock.pass_s(1)
    await world.services.lessons.keep_time()
    assert await state(world, lesson_id) == "ended"
    assert present.ended == []  # nobody was there to be told


async def test_a_lesson_somebody_is_in_is_left_to_signaling(
    world: World, present: Present, community: Ids
) -> None:
    lesson_id = await plan(world, community, None)
    present.there[lesson_id] = {"room-1"}
    world.clock.pass_s(10 * world.settings.empty_lesson_s)
    await world.services.lessons.keep_time()
    assert await state(world, lesson_id) == "live"


async def test_state_is_kept_while_live_and_gone_after(
    world: World, present: Present, community: Ids
) -> None:
    lesson_id = await plan(world, community, None)
    desk = world.services.lessons
    assert await desk.load_state(lesson_id) is None
    for text in ('{"a": 1}', '{"a": 2}'):
        await desk.save_state(lesson_id, text)
        assert await desk.load_state(lesson_id) == text
    await desk.end(lesson_id, "by-lead")
    assert present.ended == [(lesson_id, "by-lead")]  # its state says that it had begun
    assert await desk.load_state(lesson_id) is None
    await desk.save_state(lesson_id, "late")  # a last save that lost the race
    assert await desk.load_state(lesson_id) is None
    assert await desk.plan(lesson_id) is None


async def test_a_lesson_that_signaling_cannot_close_ends_all_the_same(
    world: World, present: Present, community: Ids
) -> None:
    lesson_id = await plan(world, community, None)
    present.there[lesson_id], present.broken = {"lead"}, True
    li = await world.signed_in("li")
    assert (await li.post(f"/api/lessons/{lesson_id}/end")).json()["state"] == "ended"


@pytest.mark.parametrize("place", ["profiles", "data/hardware_profiles"])
async def test_the_server_admits_as_many_lessons_as_its_profile_says(
    tmp_path: Path, place: str
) -> None:
    """Of a folder of the settings, or the data folder's own."""
    folder = tmp_path / place / "servers"
    folder.mkdir(parents=True)
    (folder / "one.toml").write_text(
        'title_zh = "一"\ntitle_en = "One"\n[machine]\ncores = 1\nmemory_mib = 512\n'
        "[media]\npumps = 1\n[admit]\nlessons = 1\ndevices_per_lesson = 2\n"
    )
    named: dict[str, Any] = {"profiles_folder": tmp_path / place} if place == "profiles" else {}
    async with running_world(tmp_path, server_profile="one", **named) as world:
        ids = await world.community(await world.administrator())
        li = await world.signed_in("li")
        large = await li.post("/api/lessons", json=lesson_body(ids))
        assert (large.status_code, large.json()["code"]) == (503, "lesson-too-large")
        two = {"room_classroom_ids": [ids["room_1"]]}
        await post(li, "/api/lessons", lesson_body(ids, **two))
        full = await li.post("/api/lessons", json=lesson_body(ids, **two))
        assert (full.status_code, full.json()["code"]) == (503, "server-full")
        assert full.headers["retry-after"] == "60"


async def test_what_is_present_shows_on_the_admins_page(
    world: World, present: Present, admin: httpx.AsyncClient, community: Ids
) -> None:
    lesson_id = await plan(world, community, None)
    present.there[lesson_id] = {"room-2"}
    rooms = (await admin.get("/api/classrooms")).json()
    assert [room["id"] for room in rooms if room["online"]] == [community["room_2"]]
    live = (await admin.get("/api/admin/live")).json()
    assert [each["lesson"]["id"] for each in live["lessons"]] == [lesson_id]
    assert live["classrooms_online"] == 1


async def test_the_timekeeper_sweeps_what_is_over(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    keeper = Timekeeper(world.services, monotonic=world.clock)
    path = f"/api/classrooms/{community['room_3']}"
    assert (await admin.delete(path)).status_code == 204
    world.clock.pass_s(29 * 86_400)
    await keeper.tick()
    fresh = await world.signed_in("admin")
    assert [row["id"] for row in (await fresh.get("/api/deleted")).json()] == [community["room_3"]]
    world.clock.pass_s(2 * 86_400)
    await keeper.tick()
    assert (await fresh.get("/api/deleted")).json() == []


async def test_a_lessons_log_goes_with_it(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    keeper, logs = (
        Timekeeper(world.services, monotonic=world.clock),
        world.settings.data_folder / "lesson_logs",
    )
    logs.mkdir()
    gone, stays = await plan(world, community, 10), await plan(world, community, 10_000)
    for lesson_id in (gone, stays):
        log_path(logs, lesson_id).write_bytes(b"")
    assert (await admin.delete(f"/api/lessons/{gone}")).status_code == 204
    world.clock.pass_s(29 * 86_400)
    await keeper.tick()
    assert log_path(logs, gone).exists()
    world.clock.pass_s(2 * 86_400)
    await keeper.tick()
    assert [path.stem for path in logs.iterdir()] == [stays]


class Killed(BaseException):
    """The server is, here: nothing of it catches that."""


@pytest.mark.parametrize("at", ["unnoted", "uncommitted", "committed", "half removed"])
async def test_a_log_and_its_lesson_go_together_wherever_the_server_is_killed(
    world: World, admin: httpx.AsyncClient, community: Ids, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    logs, event_log = world.settings.data_folder / "lesson_logs", world.services.event_log
    logs.mkdir()
    gone, stays = await plan(world, community, 10), await plan(world, community, 10_000)
    for lesson_id in (gone, stays):
        log_path(logs, lesson_id).write_bytes(b"")
    assert (await admin.delete(f"/api/lessons/{gone}")).status_code == 204
    world.clock.pass_s(31 * 86_400)

    def killed(_given: Any) -> None:
        raise Killed

    async def purged_and_killed(session: Any, *, deleted_before: float) -> None:
        found = await type(DELETION).purge(DELETION, session, deleted_before=deleted_before)
        assert found["lessons"] == [gone]
        raise Killed

    def half_removed(lesson_id: str) -> None:
        log_path(logs, lesson_id).unlink()
        raise Killed

    with monkeypatch.context() as patched:
        match at:
            case "unnoted":
                patched.setattr(event_log, "note_going", killed)
            case "uncommitted":
                patched.setattr(DELETION, "purge", purged_and_killed)
            case "committed":
                patched.setattr(event_log, "remove", killed)
            case "half removed":
                patched.setattr(event_log, "remove", half_removed)
        with pytest.raises(Killed):
            await Timekeeper(world.services, monotonic=world.clock).tick()
    async with world.services.database.read() as session:
        row = await session.get(Lesson, gone)
    assert (row is not None) == (at in {"unnoted", "uncommitted"})
    assert log_path(logs, gone).exists() == (at != "half removed")
    # The next server's first look; its clock is not believed yet.
    later = Timekeeper(world.services, monotonic=world.clock)
    later._jumps.hold_until(float("inf"))
    await later.tick()
    left = {gone, stays} if row is not None else {stays}
    assert {path.name for path in logs.iterdir()} == {f"{name}.jsonl" for name in left}
    await Timekeeper(world.services, monotonic=world.clock).tick()
    assert [path.name for path in logs.iterdir()] == [f"{stays}.jsonl"]


async def test_a_lesson_that_comes_back_keeps_its_log(
    world: World, admin: httpx.AsyncClient, community: Ids
) -> None:
    """Its removal was noted, and the server killed; then somebody undid the deletion."""
    logs, event_log = world.settings.data_folder / "lesson_logs", world.services.event_log
    logs.mkdir()
    lesson = await plan(world, community, 10)
    log_path(logs, lesson).write_bytes(b"said")
    assert (await admin.delete(f"/api/lessons/{lesson}")).status_code == 204
    event_log.note_going([lesson, "of-no-log"])
    assert event_log.going() == [lesson]
    assert (await admin.post(f"/api/deleted/lessons/{lesson}/restore")).is_success
    await Timekeeper(world.services, monotonic=world.clock).tick()
    assert {path.name: path.read_bytes() for path in logs.iterdir()} == {f"{lesson}.jsonl": b"said"}


class Enough(Exception):
    """The test has seen what it wanted."""


async def test_a_failing_tick_does_not_stop_the_clock(
    world: World, present: Present, community: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson_id = await plan(world, community, 10)
    states = []

    async def full_disk() -> None:
        raise OSError("no space left")

    async def nap(_seconds: float) -> None:
        states.append(await state(world, lesson_id))
        monkeypatch.undo()  # the disk has room again
        if len(states) == 2:
            raise Enough

    monkeypatch.setattr(world.services.lessons, "keep_time", full_disk)
    with pytest.raises(Enough):
        await Timekeeper(world.services, sleep=nap).run()
    assert states == ["planned", "live"]


async def test_a_server_keeps_time_by_itself(tmp_path: Path) -> None:
    """The others of these tests are told when a tick is due."""
    async with running_world(tmp_path) as world:
        lesson_id = await plan(world, await world.community(await world.administrator()), 10)
        assert await state(world, lesson_id) == "planned"
    async with running_world(tmp_path, keep_time=True) as world, asyncio.timeout(60):
        while await state(world, lesson_id) != "live":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
