"""A room whose camera is on the network: camera → `tongke room` → server → a second client.

All four are processes or connections of their own. The pictures are read back decoded: the camera's
identity and a counter that is the wall clock, so that no still and no old picture passes for it.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from server.simulate.behaviour import Habits, Talk
from server.simulate.seat import SimulatedSeat
from server.simulate.settings import Appearance, Receive, SeatSettings
from server.simulate.watch import StreamSeen
from signaling.client.address import ServerAddress
from signaling.client.token_providers import OneToken
from tests.browser.county import ROOMS, County, post
from tests.browser.server_process import ServerProcess
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.ports import free_port

PASSWORD = "s3cret-geheim"
IDENTITY = 9
PATIENCE_S = 60.0
PROFILE = """
inherits = "standard"
title_zh = "山河"
title_en = "Shanhe"
[sources.students]
layers = [{{ rid = "f", scale_down_by = 1, max_bitrate_bps = 1_000_000, max_frame_rate = 15 }}]
[sources.students.camera]
user = "admin"
password = "front"
streams = [{{ rid = "f", url = "{url}" }}]
"""


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    need_cameras()
    # Parameter sets once and in the description, a group of four seconds: as cameras come.
    camera = NetworkCamera(IDENTITY, CameraModel(password=PASSWORD, gop=60, profile="high"))
    camera.start()
    yield camera
    camera.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def agent(
    tmp_path: Path, camera: NetworkCamera, server: ServerProcess
) -> Iterator[tuple[County, int, Path]]:
    """The county, the agent's status port, and its log."""
    county = County.founded(server.origin, server.setup_key, "standard")
    rooms = tmp_path / "profiles" / "rooms"
    rooms.mkdir(parents=True)
    (rooms / "shanhe.toml").write_text(PROFILE.format(url=camera.url), encoding="utf-8")
    (tmp_path / "credential").write_text(county.credentials[ROOMS[0]])
    passwords = tmp_path / "passwords.toml"
    passwords.write_text(f'front = "{PASSWORD}"\n')
    passwords.chmod(0o600)
    port, log = free_port(), tmp_path / "agent.log"
    command = [str(Path(sys.executable).parent / "tongke"), "room", "--insecure"]
    command += ["--server", server.origin, "--credential-file", str(tmp_path / "credential")]
    command += ["--profile", "shanhe", "--profiles-folder", str(tmp_path / "profiles")]
    command += ["--passwords", str(passwords), "--status-port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        yield county, port, log
        process.terminate()
        assert process.wait(20) == 0
    county.teacher.close()
    assert PASSWORD not in log.read_text()


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


async def pictures(seat: SimulatedSeat, more: int, after: int = 0) -> StreamSeen:
    """Waits until so many pictures more than `after` have come of one stream."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for seen in seat.seen.values():
                if seen.frames >= after + more:
                    return seen
            await asyncio.sleep(0.05)


async def status(port: int, source_is: str) -> dict[str, object]:
    """The agent's status when its camera is in this state."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient() as client:
        while True:
            try:
                told = (await client.get(f"http://127.0.0.1:{port}/status.json")).json()
                if told["cameras"][0]["state"] == source_is:
                    return dict(told)
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


async def test_a_lesson_whose_room_has_a_network_camera(
    camera: NetworkCamera, server: ServerProcess, agent: tuple[County, int, Path]
) -> None:
    county, port, log = agent
    assert (await status(port, "rests"))["phase"] == "waiting"
    lesson_id = await asyncio.to_thread(county.lesson_now)
    told = await status(port, "sends")
    assert told["phase"] == "in_lesson"
    async with watching(county, lesson_id) as observer:
        seen = await pictures(observer, 30)
        assert (seen.source, seen.identities, seen.unreadable) == ("students", {IDENTITY}, 0)
        assert (seen.width, seen.height) == (320, 240)
        assert seen.age_ms is not None and seen.age_ms < 1_000

        camera.kill()
        told = await status(port, "lost")
        before, newest = seen.frames, seen.last_counter
        await asyncio.to_thread(camera.start)
        await pictures(observer, 30, after=before)
        assert seen.last_counter != newest
        assert (seen.identities, seen.unreadable) == ({IDENTITY}, 0)
        await status(port, "sends")

        server.kill()
        await asyncio.to_thread(server.start)
        observer.seen.clear()
        again = await pictures(observer, 15)
        assert (again.identities, again.unreadable) == ({IDENTITY}, 0)
    said = log.read_text()
    assert "students: the camera is gone" in said
    assert "students: the camera is back" in said
