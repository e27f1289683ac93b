"""An observer of a real lesson: decodes all it gets, waits for marked pictures and voices."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.simulate.behaviour import Habits, Talk
from server.simulate.seat import SimulatedSeat
from server.simulate.settings import Appearance, Receive, SeatSettings
from server.simulate.watch import StreamSeen, tone_of
from signaling.client.address import ServerAddress
from signaling.client.token_providers import OneToken
from tests.browser.county import County, post

PATIENCE_S = 60.0
LIVE_MS = 1_000


@asynccontextmanager
async def watching(county: County, lesson_id: str) -> AsyncIterator[SimulatedSeat]:
    """An observer that decodes all it gets."""
    token = post(county.teacher, f"/api/lessons/{lesson_id}/token", role="observer")["token"]
    settings = SeatSettings(
        Appearance(identity=1, pictures=0), Habits(hands=False, talk=Talk.NEVER), Receive.ALL
    )
    address = ServerAddress.parse(county.origin, insecure=True)
    seat = SimulatedSeat(
        address, OneToken(token), settings, rng=random.Random(1), say=lambda _: None
    )
    task = asyncio.create_task(seat.run())
    try:
        yield seat
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def shows(seat: SimulatedSeat, identity: int) -> StreamSeen:
    """Waits until half a second of pictures of this identity has come, and nothing between."""
    began: dict[int, int] = {}  # frames of each stream when it began to show nothing else
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for seen in list(seat.seen.values()):
                if id(seen) not in began or not seen.identities <= {identity}:
                    seen.identities.clear()
                    began[id(seen)] = seen.frames
                elif seen.identities and seen.frames - began[id(seen)] >= 8:
                    return seen
            await asyncio.sleep(0.05)


async def shows_live(seat: SimulatedSeat, identity: int) -> StreamSeen:
    """Waits until this identity's pictures are no older than a second when they come.

    First comes the last group, which is old; on a busy machine its pictures wait to be decoded.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for seen in seat.seen.values():
                seen.ages_ms.clear()
            seen = await shows(seat, identity)
            if seen.age_ms is not None and seen.age_ms < LIVE_MS:
                return seen


async def hears(seat: SimulatedSeat, identity: int) -> StreamSeen:
    """Waits until this identity's voice is heard."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for seen in seat.seen.values():
                if tone_of(identity) in seen.tones:
                    return seen
            await asyncio.sleep(0.05)
