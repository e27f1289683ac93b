"""The database is locked by another process, or its disk is full: nobody waits, nothing is lost.

The whole server with its real database; the lock is held by a process of its own, the disk is a
small file system that is really full.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from server.database.engine import WAIT_S
from server.recordings.library import Catalogue
from tests.refusals import SmallDisk, locked, small_disk
from tests.unit.server.metrics.test_live_numbers import loopback_node
from tests.unit.server.world import (
    PASSWORD,
    World,
    lesson_body,
    post,
    running_world,
)
from tests.unit.signaling.asgi_socket import AsgiSocket

pytestmark = pytest.mark.alone  # seconds are counted

Ids = dict[str, str]
ANSWERED_WITHIN_S = 5.0  # what was asked; a writer waits for WAIT_S of it


class Scene:
    """A server with a community, a live lesson with its lead and a room in it, and a room PC."""

    def __init__(self, world: World, ids: Ids) -> None:
        self.world = world
        self.ids = ids
        self.database = world.settings.data_folder / "tongke.db"
        self.lesson = ""

    async def prepare(self) -> None:
        self.admin = await self.world.signed_in("admin")
        self.li = await self.world.signed_in("li")
        self.lesson = (await post(self.li, "/api/lessons", lesson_body(self.ids)))["id"]
        catalogue = Catalogue(self.world.services.pending_writes, self.world.clock)
        await catalogue.added("rec1", self.lesson, self.world.clock())
        made = await post(
            self.admin, f"/api/classrooms/{self.ids['room_1']}/credentials", {"label": "PC"}
        )
        self.credential = {"authorization": f"Bearer {made['secret']}"}

    async def room_pc(self) -> dict[str, Any]:
        browser = await self.world.browser()
        answer = await browser.get("/api/room", headers=self.credential)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    async def token(self, role: str) -> httpx.Response:
        return await self.li.post(f"/api/lessons/{self.lesson}/token", json={"role": role})

    def written(self) -> tuple[str, str, int]:
        """What stands in the file itself: the lesson's state, its recording's, states kept."""
        with closing(sqlite3.connect(self.database)) as raw:
            (lesson,) = raw.execute(
                "SELECT state FROM lessons WHERE id = ?", [self.lesson]
            ).fetchone()
            (recording,) = raw.execute("SELECT state FROM recordings").fetchone()
            (states,) = raw.execute("SELECT count(*) FROM lesson_states").fetchone()
        return lesson, recording, states

    async def until_written(self) -> None:
        async with asyncio.timeout(60):
            while self.world.services.pending_writes.waiting:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    async def assert_over(self) -> None:
        """Everybody who asks is told that the lesson is over."""
        row = (await self.li.get(f"/api/lessons/{self.lesson}")).json()
        assert row["state"] == "ended"
        # A lesson has its own time: the test's, and the seconds that it took.
        assert row["ended_at"] == pytest.approx(self.world.clock(), abs=60)
        for state, found in (("live", []), ("ended", [self.lesson])):
            rows = (await self.li.get("/api/lessons", params={"state": state})).json()
            assert [each["id"] for each in rows] == found
        assert (await self.room_pc())["lesson"] is None
        refused = await self.token("lead")
        assert (refused.status_code, refused.json()["code"]) == (409, "lesson-over")
        assert await self.world.services.lessons.plan(self.lesson) is None
        recording = (await self.li.get("/api/recordings/rec1")).json()
        assert recording["state"] == "finishing"
        assert (await self.admin.get("/api/admin/live")).json()["lessons"] == []


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_world(tmp_path, open_media=loopback_node) as world:
        made = Scene(world, await world.community(await world.administrator()))
        await made.prepare()
        yield made


async def test_who_asks_a_locked_database_is_told_so_soon(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading goes on; what would have to be written is refused with a time to come back."""
    monkeypatch.setattr("server.database.engine.WAIT_S", WAIT_S)
    world, ids, li, admin = scene.world, scene.ids, scene.li, scene.admin
    stranger = await world.browser()
    world.clock.pass_s(600)  # each browser and room PC is to be noted as seen again
    planned = lesson_body(ids, starts_at=world.clock() + 3600)
    words = {"title": "新题目"}
    person = {"username": "li", "password": PASSWORD}
    asked = {
        "sign in": (503, stranger.post("/api/session", json=person)),
        "plan": (503, li.post("/api/lessons", json=planned)),
        "change": (503, li.patch(f"/api/lessons/{scene.lesson}", json=words)),
        "rename": (503, admin.patch(f"/api/schools/{ids['rural_1']}", json={"name": "新校"})),
        "new credential": (
            503,
            admin.post(f"/api/classrooms/{ids['room_2']}/credentials", json={"label": "x"}),
        ),
        "show to all": (503, li.patch("/api/recordings/rec1", json={"visibility": "region"})),
        "session": (200, li.get("/api/session")),
        "timetable": (200, li.get("/api/lessons")),
        "library": (200, li.get("/api/recordings")),
        "token": (200, scene.token("lead")),
        "room": (200, (await world.browser()).get("/api/room", headers=scene.credential)),
    }

    async def timed(request: Any) -> tuple[httpx.Response, float]:
        began = time.monotonic()
        return await request, time.monotonic() - began

    async with locked(scene.database):
        # All at once: nobody waits for those who wait.
        found = await asyncio.gather(*(timed(request) for _, request in asked.values()))
        ready = await stranger.get("/readyz")
    for (what, (status, _)), (answer, took_s) in zip(asked.items(), found, strict=True):
        assert answer.status_code == status, f"{what}: {answer.text}"
        assert took_s < ANSWERED_WITHIN_S, f"{what} took {took_s:.1f} s"
        if status == 503:
            assert answer.json()["code"] == "database-busy", what
            assert int(answer.headers["retry-after"]) >= 1, what
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "busy")
    assert int(ready.headers["retry-after"]) >= 1
    assert (await stranger.get("/readyz")).status_code == 200
    assert (await li.patch(f"/api/lessons/{scene.lesson}", json=words)).status_code == 200


async def test_starting_a_lesson_where_forgotten_ones_are_in_the_way_takes_no_longer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forgotten one is over; the new one cannot be begun under the lock, and that is said."""
    monkeypatch.setattr("server.database.engine.WAIT_S", WAIT_S)
    scene.world.clock.pass_s(301)
    async with locked(scene.database):
        began = time.monotonic()
        answer = await scene.li.post("/api/lessons", json=lesson_body(scene.ids))
        assert time.monotonic() - began < ANSWERED_WITHIN_S
        assert (answer.status_code, answer.json()["code"]) == (503, "database-busy")
        await scene.assert_over()


async def test_a_lesson_ended_under_a_lock_is_over_for_all_and_written_after(
    scene: Scene,
) -> None:
    """By its lead, in the lesson: all are out, the room is not called back, nothing begins anew."""
    token = (await scene.token("lead")).json()["token"]
    room_token = (await scene.room_pc())["token"]
    app = scene.world.app
    async with AsgiSocket(app) as lead, AsgiSocket(app) as room:
        for socket, its in ((lead, token), (room, room_token)):
            socket.send({"type": "join", "token": its})
            await socket.until("welcome")
        async with locked(scene.database):
            began = time.monotonic()
            lead.send({"type": "end_lesson"})
            await room.until("lesson_ended")
            async with asyncio.timeout(60):
                live = scene.world.services.lessons.live
                while scene.lesson in live.present():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
            assert time.monotonic() - began < ANSWERED_WITHIN_S
            assert scene.written()[0] == "live"
            await scene.assert_over()
            async with AsgiSocket(app) as late:  # with the token it still has
                late.send({"type": "join", "token": room_token})
                assert (await late.until("refused"))["code"] in {"no-such-lesson", "lesson-ended"}
        await scene.until_written()
    assert scene.written() == ("ended", "finishing", 0)
    await scene.assert_over()


async def test_ending_by_the_timetable_under_a_lock(scene: Scene) -> None:
    async with locked(scene.database):
        began = time.monotonic()
        answer = await scene.li.post(f"/api/lessons/{scene.lesson}/end")
        assert time.monotonic() - began < ANSWERED_WITHIN_S
        assert (answer.status_code, answer.json()["state"]) == (200, "ended")
        again = await scene.li.post(f"/api/lessons/{scene.lesson}/end")
        assert (again.status_code, again.json()["state"]) == (200, "ended")
        assert scene.world.services.pending_writes.waiting == 1
        await scene.assert_over()
    await scene.until_written()
    assert scene.written() == ("ended", "finishing", 0)
    # Its classrooms are free for the next.
    assert (await post(scene.li, "/api/lessons", lesson_body(scene.ids)))["state"] == "live"


@pytest.fixture
def disk(tmp_path: Path) -> Any:
    with small_disk(tmp_path / "data", 64) as made:
        yield made


async def test_a_full_disk_is_told_and_a_lesson_that_ends_on_it_stays_over(
    tmp_path: Path, disk: SmallDisk
) -> None:
    async with running_world(tmp_path) as world:
        scene = Scene(world, await world.community(await world.administrator()))
        await scene.prepare()
        browser = await world.browser()
        assert (await browser.get("/readyz")).status_code == 200
        disk.fill()
        ready = await browser.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["data_folder"] == "full"
        refused = await scene.li.patch(f"/api/lessons/{scene.lesson}", json={"title": "新" * 100})
        assert (refused.status_code, refused.json()["code"]) == (503, "disk-full")
        assert int(refused.headers["retry-after"]) >= 1
        ended = await scene.li.post(f"/api/lessons/{scene.lesson}/end")
        assert (ended.status_code, ended.json()["state"]) == (200, "ended")
        await scene.assert_over()
        ready = await browser.get("/readyz")
        assert ready.json()["checks"]["database"] == "full"
        clock = world.clock
    # The server stopped without being able to write it.
    assert scene.written()[0] == "live"
    disk.clear()
    async with running_world(tmp_path) as world:
        scene.world, world.clock.now = world, clock.now
        scene.li, scene.admin = await world.signed_in("li"), await world.signed_in("admin")
        await scene.assert_over()
        await scene.until_written()
        assert scene.written() == ("ended", "finishing", 0)


async def test_room_on_the_disk_again_is_noticed(tmp_path: Path, disk: SmallDisk) -> None:
    async with running_world(tmp_path) as world:
        scene = Scene(world, await world.community(await world.administrator()))
        await scene.prepare()
        disk.fill()
        await scene.li.post(f"/api/lessons/{scene.lesson}/end")
        await scene.assert_over()
        disk.clear()
        await scene.until_written()
        assert scene.written() == ("ended", "finishing", 0)
        assert (await (await world.browser()).get("/readyz")).status_code == 200
