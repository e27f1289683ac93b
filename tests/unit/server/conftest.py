"""A running server for every test that wants one, empty or with a community."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.server.world import World, make_community, running_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A fresh server without an administrator."""
    async with running_world(tmp_path) as made:
        yield made


@pytest.fixture
async def admin(world: World) -> httpx.AsyncClient:
    """The administrator's browser."""
    return await world.administrator()


@pytest.fixture
async def community(admin: httpx.AsyncClient) -> dict[str, str]:
    """The ids of a community, as `make_community` names them."""
    return await make_community(admin)
