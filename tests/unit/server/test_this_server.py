"""The page of this server: what is stored, what is set, and no secret in either."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from server.config import Settings
from server.settings_in_force import settings_in_force
from tests.unit.server.world import World, running_world


async def test_it_tells_version_storage_and_settings(
    world: World, admin: httpx.AsyncClient
) -> None:
    recording = world.settings.recordings / "r1" / "part.mp4"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(bytes(5000))
    os.utime(recording, (world.clock(), world.clock()))
    told = (await admin.get("/api/admin/server")).json()
    assert told["version"] == "0.1.0"
    assert told["started_at"] == told["server_time"] == world.clock()
    assert told["recordings"]["used_bytes"] >= 5000
    assert 0 < told["recordings"]["free_bytes"] <= told["recordings"]["total_bytes"]
    assert told["recordings"]["per_day_bytes"] is None
    assert told["recordings"]["days_left"] is None
    names = [one["name"] for one in told["settings"]]
    assert names == list(Settings.model_fields)
    assert isinstance(told["log"], list)


async def test_all_disks_are_told_and_what_lies_on_them(tmp_path: Path) -> None:
    further, away = tmp_path / "second", tmp_path / "away"
    further.mkdir()
    async with running_world(
        tmp_path, further_recordings_folders=(str(further), str(away))
    ) as world:
        for root, size in ((world.settings.recordings, 3000), (further, 4000)):
            (root / "r").mkdir()
            (root / "r" / "part.mp4").write_bytes(bytes(size))
        (world.settings.recordings / "link").symlink_to(further / "r")
        told = (await (await world.administrator()).get("/api/admin/server")).json()["recordings"]
    assert told["used_bytes"] == 7000
    assert [disk["folder"] for disk in told["disks"]] == [
        str(world.settings.recordings),
        str(further),
        str(away),
    ]
    assert [disk["total_bytes"] is None for disk in told["disks"]] == [False, False, True]
    # Both lie on one disk, which is no larger for it.
    assert told["total_bytes"] == told["disks"][0]["total_bytes"]


async def test_no_secret_is_told(tmp_path: Path) -> None:
    token = "monitor-" + "x" * 20
    async with running_world(tmp_path, metrics_token=token) as world:
        answer = await (await world.administrator()).get("/api/admin/server")
    assert token not in answer.text
    value = {one["name"]: one for one in answer.json()["settings"]}["metrics_token"]
    assert (value["value"], value["is_default"]) == ("••••••", False)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("sqlite+aiosqlite:////srv/t.db", "sqlite+aiosqlite:////srv/t.db"),
        ("postgresql+asyncpg://t:hunter2@db/t", "postgresql+asyncpg://t:***@db/t"),
        ("postgresql+asyncpg://t@db/t?password=hunter2", "postgresql+asyncpg://t@db/t"),
        ("hunter2 is no address", "••••••"),
    ],
)
def test_a_databases_address_is_shown_without_its_password(url: str, shown: str) -> None:
    told = {one.name: one for one in settings_in_force(Settings(database_url=url))}
    assert told["database_url"].value == shown


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({}, "port", "7880"),
        ({}, "join_token_s", "600"),
        ({}, "tls_cert", ""),
        ({}, "media_tcp", "true"),
        ({"advertised": "10.0.0.5,10.0.0.6"}, "advertised", "10.0.0.5, 10.0.0.6"),
        ({"recordings_folder": "/srv/rec"}, "recordings_folder", "/srv/rec"),
    ],
)
def test_settings_are_told_as_one_writes_them(
    changes: dict[str, str], name: str, value: str
) -> None:
    told = {one.name: one for one in settings_in_force(Settings.model_validate(changes))}
    assert (told[name].value, told[name].is_default) == (value, not changes)
