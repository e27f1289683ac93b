"""Two nodes on one database: each lesson is one node's, and the other leaves it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.engine import Database
from server.database.models import Lesson
from server.database.pending_writes import PendingWrites
from server.database.spare_file import SpareFile
from server.errors import Refusal
from server.lessons.bars import UnwrittenBars
from server.lessons.desk import LessonDesk
from server.lessons.endings import Endings
from server.lessons.ownership import LEASE_S, Lease, LocalOwnership
from server.timekeeper import TICK_S
from signaling.errors import LessonRefusal
from tests.postgresql import DATABASES
from tests.unit.server.lessons.present import Present, plan
from tests.unit.server.world import World, running_world

Ids = dict[str, str]


@dataclass
class Node:
    """A desk and those present there."""

    desk: LessonDesk
    present: Present


@dataclass
class County:
    """Two nodes; pages speak with the first."""

    world: World
    ids: Ids
    first: Node
    second: Node

    async def pass_s(self, seconds: float, *nodes: Node) -> None:
        """Time passes, and these nodes live on."""
        until = self.world.clock() + seconds
        while self.world.clock() < until:
            self.world.clock.pass_s(TICK_S)
            for node in nodes:
                await node.desk.keep_time()

    async def state(self, lesson_id: str) -> str:
        async with self.world.services.database.read() as session:
            return str((await lesson_of(session, lesson_id)).state.value)


async def lesson_of(session: AsyncSession, lesson_id: str) -> Lesson:
    return await session.get_one(Lesson, lesson_id)


@pytest.fixture(params=DATABASES)
async def county(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[County]:
    settings: dict[str, Any] = {"empty_lesson_s": 120}
    if request.param == "postgresql":
        settings["database_url"] = await request.getfixturevalue("postgresql_server").empty()
    leases: dict[str, Lease] = {}
    async with running_world(tmp_path, leases=leases, **settings) as world:
        ids = await world.community(await world.administrator())
        there = Present(world)
        world.services.lessons.live = world.services.rooms.live = there
        database = Database(world.settings.database)
        pending_writes = PendingWrites(database)
        endings = Endings(database, pending_writes, SpareFile(tmp_path / "other.jsonl", size=4096))
        bars = UnwrittenBars(
            database,
            pending_writes,
            SpareFile(tmp_path / "other_bars.jsonl", size=4096),
            clock=world.clock,
        )
        desk = LessonDesk(
            database,
            world.clock,
            endings=endings,
            bars=bars,
            ownership=LocalOwnership("other", world.clock, leases),
            lessons_admitted=1,
            devices_admitted=8,
            doors_open_s=world.settings.doors_open_s,
            empty_lesson_s=world.settings.empty_lesson_s,
            away_grace_s=world.settings.away_grace_s,
        )
        desk.live = elsewhere = Present(world)
        first, second = Node(world.services.lessons, there), Node(desk, elsewhere)
        yield County(world, ids, first, second)
        await pending_writes.close()
        await bars.close()
        await endings.close()
        await database.close()


async def test_neither_ends_the_others_lessons(county: County) -> None:
    lesson_id = await plan(county.world, county.ids, None)
    county.first.present.there[lesson_id] = {"lead", "room-1"}
    await county.pass_s(2 * county.world.settings.empty_lesson_s, county.first, county.second)
    assert await county.state(lesson_id) == "live"
    assert county.first.present.ended == county.second.present.ended == []


async def test_what_another_holds_is_not_opened_ended_or_judged(county: County) -> None:
    lesson_id = await plan(county.world, county.ids, None)
    desk = county.second.desk
    await county.pass_s(TICK_S, county.first, county.second)
    with pytest.raises(LessonRefusal) as not_opened:
        await desk.plan(lesson_id)
    assert not_opened.value.code == "lesson-elsewhere"
    assert await desk.is_live(lesson_id)
    with pytest.raises(Refusal) as not_ended:
        await desk.end(lesson_id, "by-lead")
    assert (not_ended.value.status, not_ended.value.code) == (409, "lesson-elsewhere")
    await desk.save_state(lesson_id, "made up")
    assert await desk.load_state(lesson_id) is None
    async with county.world.services.database.read() as session:
        assert desk.is_led(await lesson_of(session, lesson_id))  # nobody takes it over from here
    assert await county.state(lesson_id) == "live"


async def test_each_admits_its_own(county: County) -> None:
    """The second admits one lesson; that which the first holds keeps rooms, but takes no place."""
    await plan(county.world, county.ids, None)
    later = await plan(county.world, county.ids, 2 * county.world.settings.doors_open_s)
    await county.pass_s(TICK_S, county.first, county.second)
    async with county.world.services.database.write() as session:
        with pytest.raises(Refusal) as refused:
            await county.second.desk.open(session, await lesson_of(session, later))
    assert refused.value.code == "classroom-busy"


async def test_a_node_that_is_gone_loses_its_lessons(county: County) -> None:
    lesson_id = await plan(county.world, county.ids, None)
    county.first.present.there[lesson_id] = {"lead"}
    await county.pass_s(LEASE_S - TICK_S, county.second)
    with pytest.raises(LessonRefusal):
        await county.second.desk.plan(lesson_id)
    await county.pass_s(2 * TICK_S, county.second)
    assert await county.second.desk.plan(lesson_id) is not None
    # The first was only frozen: it finds out, and its devices come back where the lesson is.
    await county.first.desk.keep_time()
    assert county.first.present.let_go_of == [lesson_id]
    assert county.first.present.ended == []
    assert await county.state(lesson_id) == "live"
