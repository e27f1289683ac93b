"""A running server for every test that wants one, empty or with a community."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgresql
from tests.postgresql import DATABASES, PostgreSQL
from tests.unit.server.lessons.present import Present
from tests.unit.server.world import World, running_world


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """PostgreSQL for all tests; skips them where it is not installed."""
    binaries = postgresql.programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgresql.running(binaries) as server:
        yield server


@pytest.fixture(params=DATABASES)
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A fresh server without an administrator, on each of the two databases."""
    settings: dict[str, Any] = {}
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        settings["database_url"] = await server.empty()
    async with running_world(tmp_path, **settings) as made:
        yield made


@pytest.fixture
async def admin(world: World) -> httpx.AsyncClient:
    """The administrator's browser."""
    return await world.administrator()


@pytest.fixture
async def community(world: World, admin: httpx.AsyncClient) -> dict[str, str]:
    """The ids of a community, as `make_community` names them."""
    return await world.community(admin)


@pytest.fixture
def present(world: World) -> Present:
    """Who is in lessons in progress is what the test says."""
    made = Present(world)
    world.services.lessons.live = made
    world.services.rooms.live = made
    return made
