"""A server's machine tried: what it carries as measured, and what one that runs says of itself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from hardware_profiles import list_server_profiles, load_server_profile
from hardware_profiles.doctor.findings import Grade
from hardware_profiles.doctor.speed import Speed
from server.config import Settings
from server.doctor import server_check
from server.doctor.server_check import REFERENCE_PIXELS_PER_S, check_server, judge_capacity
from tests.conftest import open_sockets
from tests.unit.server.door.certificate_files import made
from tests.unit.server.world import World

QUICK = float(REFERENCE_PIXELS_PER_S)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    async def measured(cores: int) -> Speed:
        return Speed(QUICK, 4 * QUICK, 4)

    monkeypatch.setattr(server_check, "measure_speed", measured)


@pytest.mark.parametrize(
    ("profile", "speed", "grade", "fits"),
    [
        ("medium", Speed(QUICK, QUICK, 4), Grade.GOOD, ""),
        ("small", Speed(QUICK, QUICK, 4), Grade.GOOD, ""),  # more than it asks
        ("large", Speed(QUICK, QUICK, 4), Grade.WEAK, "medium"),
        ("medium", Speed(QUICK / 2, QUICK, 4), Grade.WEAK, "small"),  # four slow cores
        ("region", Speed(QUICK, QUICK, 16), Grade.GOOD, ""),
        ("small", Speed(QUICK / 9, QUICK, 2), Grade.WEAK, "tiny"),
        ("small", None, Grade.WEAK, ""),
    ],
)
def test_the_profile_in_force_beside_what_was_measured(
    profile: str, speed: Speed | None, grade: Grade, fits: str
) -> None:
    finding = judge_capacity(speed, load_server_profile(profile), list_server_profiles())
    assert finding.verdict is grade
    told = finding.todo.en if finding.todo is not None else ""
    assert (f"profile {fits} " in told) == bool(fits)


async def test_ports_that_others_have(tmp_path: Path) -> None:
    with socket.socket() as pages, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        pages.bind(("127.0.0.1", 0))
        media.bind(("0.0.0.0", 0))
        settings = Settings(
            data_folder=tmp_path,
            host="127.0.0.1",
            port=pages.getsockname()[1],
            media_port=media.getsockname()[1],
        )
        report = await check_server(settings)
    found = {finding.check: finding for finding in report.findings}
    assert found["server.port.media"].verdict is Grade.BAD
    assert found["server.port.pages"].verdict is Grade.BAD  # bound, and nobody listens
    assert report.verdict is Grade.BAD


async def test_a_data_folder_that_is_a_file_is_no_good_disk(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.touch()
    report = await check_server(Settings(data_folder=file, port=0, media_port=0))
    [finding] = [one for one in report.findings if one.check == "server.disk.data"]
    assert finding.verdict is Grade.BAD
    assert finding.words.en == f"{file} is a file, and no folder."


async def test_the_administrator_has_the_running_server_checked(
    world: World, admin: httpx.AsyncClient
) -> None:
    report = (await admin.get("/api/admin/server/check")).json()
    found = {finding["check"]: finding for finding in report["findings"]}
    assert report["side"] == "server"
    assert found["server.database"]["verdict"] == "good"
    assert found["server.disk.data"]["figures"]["free_bytes"] > 0
    page = await admin.get("/api/admin/server/check/page")
    assert "服务器检查" in page.text and "Check of the server" in page.text
    assert world.settings.data_folder.as_posix() not in page.text


async def test_a_server_that_runs_is_known_by_its_answer_and_left_in_peace(tmp_path: Path) -> None:
    """Over HTTPS too no connection to it stays open."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read()  # until the other side has closed
        writer.close()
        closed.set()

    made("x", "127.0.0.1").write(tmp_path, "x")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "x.crt", tmp_path / "x.key")
    closed = asyncio.Event()
    async with await asyncio.start_server(say, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        settings = Settings(data_folder=tmp_path, host="127.0.0.1", port=port)
        before = open_sockets()
        assert await asyncio.to_thread(server_check._who_listens, settings) == "ours"
        await asyncio.wait_for(closed.wait(), 30)
        assert open_sockets() <= before
