"""A machine's clock that is set while a lesson runs: the lesson goes on as if it were not."""

from __future__ import annotations

import asyncio

import pytest

from mixer.model import SpeakersChanged
from signaling.protocol import messages as m
from signaling.protocol.messages import Source
from tests.sim.virtual_time import virtually
from tests.unit.signaling.sample_lesson import LESSON, publish
from tests.unit.signaling.service import World, join

DAY_S = 86_400.0
HOUR_S = 3600.0


@pytest.mark.parametrize("set_by_s", [DAY_S, HOUR_S, -HOUR_S, -DAY_S])
def test_who_has_gone_waits_for_the_grace_and_nobody_else_goes(set_by_s: float) -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            room, _ = await join(service, "room-1")
            await room.lost()
            world.clock_set_by_s = set_by_s
            grace_s = world.settings.away_grace_s
            await asyncio.sleep(grace_s - 1.0)
            _lesson, seats = service.live()[LESSON]
            (gone,) = [seat for seat in seats if seat.seat_id == "room-1"]
            assert gone.away_since is not None, "it is waited for"
            await asyncio.sleep(2.0)
            _lesson, seats = service.live()[LESSON]
            (gone,) = [seat for seat in seats if seat.seat_id == "room-1"]
            assert gone.away_since is None, "no longer"
            assert (await lead.ask(m.SetLayout(layout=m.Layout.WALL))).type == "done"

    virtually(main)


@pytest.mark.parametrize("set_by_s", [HOUR_S, -HOUR_S])
def test_who_is_heard_is_told_all_the_same(set_by_s: float) -> None:
    async def main() -> None:
        world = World()
        async with world.serving() as service:
            lead, _ = await join(service, "lead")
            published = await lead.ask(publish(Source.ROOM))
            assert isinstance(published, m.Published)
            (producer_id,) = published.producers.values()
            tell = world.media.listeners[LESSON]
            tell(SpeakersChanged(((producer_id, -20),)))
            await lead.until("speaking")
            world.clock_set_by_s = set_by_s
            tell(SpeakersChanged(((producer_id, -30),)))
            async with asyncio.timeout(1.0):
                await lead.until("speaking")

    virtually(main)
