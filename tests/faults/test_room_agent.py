"""A room whose camera is on the network: camera → `tongke room` → server → a second client.

All four are processes or connections of their own. The pictures are read back decoded: the camera's
identity and a counter that is the wall clock, so that no still and no old picture passes for it.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.browser.county import ROOMS, County, client
from tests.browser.server_process import ServerProcess
from tests.lesson_watcher import PATIENCE_S, shows, shows_live, watching
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.ports import free_port
from tests.room_machine import PROFILE_NAME, PROGRAM, keep_profile, room_options

PASSWORD = "s3cret-geheim"
MAIN, SUB = 9, 10  # what the camera's two streams show, to be told from each other
PROFILE = """
inherits = "standard"
title_zh = "山河"
title_en = "Shanhe"
[sources.students]
layers = [
  {{ rid = "q", scale_down_by = 2, max_bitrate_bps = 300_000, max_frame_rate = 15 }},
  {{ rid = "f", scale_down_by = 1, max_bitrate_bps = 1_000_000, max_frame_rate = 15 }},
]
[sources.students.camera]
user = "admin"
password = "front"
streams = [{{ rid = "q", url = "{sub}" }}, {{ rid = "f", url = "{main}" }}]
"""


@pytest.fixture
def camera() -> Iterator[tuple[NetworkCamera, NetworkCamera]]:
    """The main stream and the sub stream, each of a process of its own."""
    need_cameras()
    # Parameter sets once and in the description, a group of four seconds: as cameras come.
    model = CameraModel(password=PASSWORD, gop=60, profile="high")
    main = NetworkCamera(MAIN, model)
    sub = NetworkCamera(SUB, replace(model, width=160, height=120, kbps=150))
    for each in (main, sub):
        each.start()
    yield main, sub
    for each in (main, sub):
        each.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def agent(
    tmp_path: Path, camera: tuple[NetworkCamera, NetworkCamera], server: ServerProcess
) -> Iterator[tuple[County, int, Path]]:
    """The county, the agent's status port, and its log."""
    main, sub = camera
    profile = PROFILE.format(main=main.url, sub=sub.url)
    profiles = keep_profile(server.data_folder, profile)
    county = County.founded(server.origin, server.setup_key, PROFILE_NAME)
    port, log = free_port(), tmp_path / "agent.log"
    credential = county.credentials[ROOMS[0]]
    options = room_options(
        tmp_path, profiles, server=server.origin, credential=credential, password=PASSWORD
    )
    command = [PROGRAM, "room", *options, "--status-port", str(port)]
    command += ["--state-folder", str(tmp_path / "state")]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        yield county, port, log
        process.terminate()
        assert process.wait(20) == 0
    county.teacher.close()
    assert PASSWORD not in log.read_text()


async def status(port: int, source_is: str) -> dict[str, object]:
    """The agent's status when its camera's main stream is in this state."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient() as client:
        while True:
            try:
                told = (await client.get(f"http://127.0.0.1:{port}/status.json")).json()
                if told["cameras"][-1]["state"] == source_is:
                    return dict(told)
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


def page_sends(county: County) -> set[str]:
    """What the room's page, beside the agent, is told to send."""
    with client(county.origin) as page:
        page.headers["Authorization"] = f"Bearer {county.credentials[ROOMS[0]]}"
        told = page.get("/api/room/profile").json()
    return {source["source"] for source in told["sends"]["sources"]}


async def test_a_lesson_whose_room_has_a_network_camera(
    camera: tuple[NetworkCamera, NetworkCamera],
    server: ServerProcess,
    agent: tuple[County, int, Path],
) -> None:
    (main, _sub), (county, port, log) = camera, agent
    assert (await status(port, "rests"))["phase"] == "waiting"
    assert "students" not in await asyncio.to_thread(page_sends, county)
    lesson_id = await asyncio.to_thread(county.lesson_now)
    told = await status(port, "sends")
    assert told["phase"] == "in_lesson"
    async with watching(county, lesson_id) as observer:
        seen = await shows_live(observer, MAIN)
        assert (seen.source, seen.unreadable) == ("students", 0)
        assert (seen.width, seen.height) == (320, 240)

        main.kill()
        await status(port, "lost")
        await shows(observer, SUB)  # one stream's trouble is no other's
        main.start()
        await status(port, "sends")
        await shows(observer, MAIN)
        assert seen.unreadable == 0

        server.kill()
        await asyncio.to_thread(server.start)
        observer.seen.clear()
        await shows(observer, MAIN)
    said = log.read_text()
    assert "Pupils' camera: the camera is gone" in said
    assert "Pupils' camera: it is back" in said
