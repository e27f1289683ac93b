"""A clock that is set ahead costs nobody a recording, and set back it stops no sweeping."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from server.database.deletion import DAY_S
from server.database.models import Recording
from server.timekeeper import AFTER_JUMP_S, AFTER_START_S, ClockJumps, Timekeeper
from tests.unit.server.recordings.recorded import recorded
from tests.unit.server.world import World

YEAR_S = 365 * DAY_S


class Machine:
    """How long it runs, whatever the clock says."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.runs_s = 1000.0

    def pass_s(self, seconds: float) -> None:
        self.runs_s += seconds
        self._world.clock.pass_s(seconds)

    def __call__(self) -> float:
        return self.runs_s


async def rows(world: World) -> list[str]:
    async with world.services.database.read() as session:
        return list(await session.scalars(select(Recording.id)))


@pytest.fixture
async def machine(world: World, community: dict[str, str]) -> Machine:
    """With a recording that somebody has deleted just now."""
    await recorded(world, community, "rec1")
    async with world.services.database.write() as session:
        row = await session.get(Recording, "rec1")
        assert row is not None
        row.deleted_at = world.clock()
    return Machine(world)


def test_a_jump_ahead_is_not_believed_for_a_day_and_back_it_is_at_once() -> None:
    jumps = ClockJumps()
    jumps.note(0.0, 0.0)
    jumps.note(YEAR_S, 2.0)
    assert not jumps.trusted(2.0)
    assert not jumps.trusted(AFTER_JUMP_S)
    assert jumps.trusted(AFTER_JUMP_S + 2.0)
    jumps = ClockJumps()
    jumps.note(0.0, 0.0)
    jumps.note(YEAR_S, 2.0)
    jumps.note(4.0, 4.0)
    assert jumps.trusted(4.0)


def test_what_time_sets_within_seconds_is_no_jump() -> None:
    jumps = ClockJumps()
    jumps.note(0.0, 0.0)
    jumps.note(30.0, 2.0)
    assert jumps.trusted(2.0)


def test_one_that_is_set_back_a_little_of_a_year_is_not_believed() -> None:
    jumps = ClockJumps()
    jumps.note(0.0, 0.0)
    jumps.note(YEAR_S, 2.0)
    jumps.note(YEAR_S - DAY_S, 4.0)
    assert not jumps.trusted(4.0)


@pytest.mark.parametrize("started", [True, False], ids=["at the start", "while it runs"])
async def test_nothing_is_purged_by_a_clock_that_was_just_set(
    world: World, machine: Machine, *, started: bool
) -> None:
    ticks = 0

    class Over(BaseException):
        """The test has seen enough."""

    async def sleep(_: float) -> None:
        nonlocal ticks
        ticks += 1
        machine.pass_s(2.0)
        if ticks == 1 and not started:
            machine.pass_s(AFTER_START_S)
            world.clock.pass_s(YEAR_S)
        elif ticks == 2:
            world.clock.pass_s(-YEAR_S)
        elif ticks == 3:
            raise Over

    if started:
        world.clock.pass_s(YEAR_S)
    with pytest.raises(Over):
        await Timekeeper(world.services, sleep=sleep, monotonic=machine).run()
    assert await rows(world) == ["rec1"]


async def test_where_it_was_set_back_what_is_due_is_swept_all_the_same(
    world: World, machine: Machine
) -> None:
    keeper = Timekeeper(world.services, monotonic=machine)
    await keeper.tick()
    world.clock.pass_s(YEAR_S)
    await keeper.tick()
    assert await rows(world) == ["rec1"]
    world.clock.pass_s(-YEAR_S)
    await keeper.tick()
    machine.pass_s(31 * DAY_S)
    await keeper.tick()
    assert await rows(world) == []
