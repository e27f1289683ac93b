"""Names are looked up together; what fails is told to each; who has gone harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import name_lookups
from server.accounts.name_lookups import NameLookups
from server.database.engine import Database
from tests.unit.server.world import World


class Reads:
    """The world's database, of which readings are counted and may fail."""

    def __init__(self, world: World) -> None:
        self.count = 0
        self.error: Exception | None = None
        self._database = world.services.database
        self.names = NameLookups(cast(Database, self))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        self.count += 1
        if self.error is not None:
            raise self.error
        async with self._database.read() as session:
            yield session


@pytest.fixture
def reads(world: World, community: dict[str, str]) -> Reads:
    return Reads(world)


async def test_a_flood_of_names_is_one_query(reads: Reads) -> None:
    asked = ["li", *(f"nobody-{number}" for number in range(300)), "Ｗang", "li"]
    found = await asyncio.gather(*(reads.names.find(name) for name in asked))
    assert [user.username for user in found if user] == ["li", "wang", "li"]
    assert (found[0], found[301], found[302]) == tuple(user for user in found if user)
    assert reads.count == 1
    await reads.names.find("li")
    assert reads.count == 2


async def test_more_than_a_query_takes_are_asked_in_turn(
    reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_lookups, "MOST_AT_ONCE", 10)
    found = await asyncio.gather(*(reads.names.find(f"n{number}") for number in range(25)))
    assert not any(found)
    assert reads.count == 3


async def test_what_fails_is_told_to_each_and_the_next_is_tried(reads: Reads) -> None:
    reads.error = OSError("no database")
    told = await asyncio.gather(*(reads.names.find("li") for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in told] == ["no database"] * 3
    reads.error = None
    assert await reads.names.find("li")


async def test_who_has_gone_harms_nobody(reads: Reads) -> None:
    gone = asyncio.create_task(reads.names.find("li"))
    stays = asyncio.create_task(reads.names.find("wang"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays
    assert gone.cancelled()


async def test_a_name_with_a_nul_is_nobodys(world: World, admin: httpx.AsyncClient) -> None:
    body = {"username": "ad\0min", "password": "correct horse"}
    answer = await (await world.browser()).post("/api/session", json=body)
    assert answer.status_code == 401
