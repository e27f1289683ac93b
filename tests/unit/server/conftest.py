"""A running server for every test that wants one, empty or with a community."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.server.world import PASSWORD, World, post, running_world


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
async def community(world: World, admin: httpx.AsyncClient) -> dict[str, str]:
    """One urban and two rural schools with a classroom each, a teacher of each of the first two.

    Gives ids by name: `lead_school`, `rural_1`, `rural_2`, `room_0` … `room_2`, `community`,
    `li` (teaches at the lead school), `wang` (at rural 1), `outsider` (at no school of it).
    """
    ids = {}
    for key, name, kind in (
        ("lead_school", "实验小学", "urban"),
        ("rural_1", "青山小学", "rural"),
        ("rural_2", "河湾小学", "rural"),
        ("elsewhere", "远方小学", "rural"),
    ):
        ids[key] = (await post(admin, "/api/schools", {"name": name, "kind": kind}))["id"]
    for number, school in enumerate(("lead_school", "rural_1", "rural_2", "elsewhere")):
        body = {"school_id": ids[school], "name": f"{number}号教室"}
        ids[f"room_{number}"] = (await post(admin, "/api/classrooms", body))["id"]
    body = {
        "name": "青山共同体",
        "lead_school_id": ids["lead_school"],
        "partner_school_ids": [ids["rural_1"], ids["rural_2"]],
    }
    ids["community"] = (await post(admin, "/api/communities", body))["id"]
    for username, name, school in (
        ("li", "李老师", "lead_school"),
        ("wang", "王老师", "rural_1"),
        ("outsider", "赵老师", "elsewhere"),
    ):
        person = {
            "username": username,
            "display_name": name,
            "role": "teacher",
            "school_id": ids[school],
            "password": PASSWORD,
        }
        ids[username] = (await post(admin, "/api/users", person))["id"]
    return ids
