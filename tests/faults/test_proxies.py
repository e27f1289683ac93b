"""A lesson, a recording and an encoder through Debian's nginx and Caddy, as the page has them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack

from tests.browser.county import ADMINISTRATOR, ROOMS, TEACHER, County, client, post
from tests.browser.filed_recording import Film, file_recording
from tests.browser.server_process import ServerProcess
from tests.faults.proxy_process import CADDY, NGINX, ProxyProgram, documented_settings
from tests.ports import free_port

FILM = Film("room-1", "students", 90, 2)
RECORDING = "rec1"


@dataclass(frozen=True)
class Behind:
    """A server behind a proxy that is to listen on `port`."""

    server: ServerProcess
    county: County
    lesson_id: str
    port: int
    film: bytes

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def log_of_proxies(self) -> list[str]:
        lines = self.server.log.read_text().splitlines()
        return [str(json.loads(one)["event"]) for one in lines if '"see"' in one]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("behind")
    port = free_port()
    proxy = NGINX if NGINX.is_here else CADDY  # its cookies are for HTTPS alone
    server = ServerProcess(folder / "data", settings=documented_settings(port))
    server.data_folder.mkdir()
    try:
        server.start()
        origin = f"https://localhost:{port}"
        with proxy.running(folder / "proxy", port, server.port):
            county = County.founded(origin, server.setup_key, profile="standard")
            lesson = county.lesson_now()
        file_recording(server, lesson, RECORDING, [FILM])
        film = server.data_folder / "recordings" / RECORDING / FILM.file
        county.teacher.close()
        yield Behind(server, county, lesson, port, film.read_bytes())
    finally:
        server.stop()


def programs() -> list[object]:
    return [
        pytest.param(
            each,
            id=each.name,
            marks=pytest.mark.skipif(
                not each.is_here, reason=f"needs Debian's {each.name} (scripts/need-servers.sh)"
            ),
        )
        for each in (NGINX, CADDY)
    ]


@pytest.mark.parametrize("proxy", programs())
def test_everything_goes_through(tmp_path: Path, behind: Behind, proxy: ProxyProgram) -> None:
    with proxy.running(tmp_path / "proxy", behind.port, behind.server.port):
        with client(behind.origin) as browser:
            browser.headers["sec-fetch-mode"] = "cors"
            browser.headers["sec-fetch-site"] = "same-origin"
            post(browser, "/api/session", **ADMINISTRATOR)
            a_range_of_a_recording_comes(browser, behind.film)
            an_encoder_is_answered(browser, behind)
            rooms_are_told_the_proxys_address(browser, behind)
        a_lesson_is_held(behind, tmp_path)
    assert behind.log_of_proxies() == []


def a_range_of_a_recording_comes(browser: httpx.Client, film: bytes) -> None:
    address = f"/media/recordings/{RECORDING}/{FILM.file}"
    answer = browser.get(address, headers={"Range": "bytes=100-299"})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes 100-299/{len(film)}"
    assert answer.content == film[100:300]


async def an_offer() -> str:
    peer = RTCPeerConnection()
    peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = str(peer.localDescription.sdp)
    await peer.close()
    return sdp


def an_encoder_is_answered(browser: httpx.Client, behind: Behind) -> None:
    """WHIP: an offer, an answer that names the media port, and an end by its own address."""
    with client(behind.origin) as teacher:
        post(teacher, "/api/session", **TEACHER)
        token = post(teacher, f"/api/lessons/{behind.lesson_id}/token", role="lead")["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    answer = browser.post(
        "/whip/teacher",
        content=asyncio.run(an_offer()),
        headers={"Content-Type": "application/sdp", **bearer},
    )
    assert answer.status_code == 201, answer.text
    assert "a=candidate:" in answer.text and "a=recvonly" in answer.text
    assert browser.delete(answer.headers["location"], headers=bearer).status_code == 200


def rooms_are_told_the_proxys_address(browser: httpx.Client, behind: Behind) -> None:
    room = behind.county.room_ids[ROOMS[0]]
    told = post(browser, f"/api/classrooms/{room}/credentials", label="another PC")
    assert told["address"].startswith(behind.origin + "/room")


def a_lesson_is_held(behind: Behind, folder: Path) -> None:
    """Two seats see and hear each other; WebSocket and interface come by the proxy."""
    done = simulated(behind, folder)
    assert done.returncode == 0, done.stderr
    seats = json.loads(done.stdout)["seats"]
    assert [seat["seat"] for seat in seats] == ["lead", "room-1"]
    for seat in seats:
        assert seat["received_pictures"] > 5 and seat["sent_packets"] > 50, seat


def simulated(behind: Behind, folder: Path) -> subprocess.CompletedProcess[str]:
    password = folder / "password"
    password.write_text(ADMINISTRATOR["password"])
    return subprocess.run(
        [
            *(sys.executable, "-m", "server", "simulate", "--server", behind.origin, "--insecure"),
            *("--administrator", ADMINISTRATOR["username"], "--password-file", str(password)),
            *("--lessons", "1", "--rooms", "1", "--receive", "all", "--duration", "5", "--json"),
            *("--height", "90", "--frame-rate", "8"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not NGINX.is_here, reason="needs Debian's nginx (scripts/need-servers.sh)")
def test_an_ordinary_proxy_is_told_what_it_lacks(tmp_path: Path, behind: Behind) -> None:
    """nginx with nothing but `proxy_pass`: pages open, and no lesson can be joined."""
    left_out = "proxy_set_header|proxy_http_version"
    with NGINX.running(tmp_path / "p", behind.port, behind.server.port, leaving_out=left_out):
        with client(behind.origin) as browser:
            assert browser.get("/").status_code == 200
            socket = {
                "sec-websocket-version": "13",
                "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
            }
            answer = browser.get("/ws", headers={**socket, "upgrade": "websocket"})
            assert answer.status_code == 426 and answer.json()["code"] == "no-upgrade"
            browser.get("/api/session", headers={"sec-fetch-mode": "cors"})
        done = simulated(behind, tmp_path)
        assert done.returncode == 1
        assert "never joined" in done.stderr and "426" in done.stderr
    assert sorted(behind.log_of_proxies()) == [
        "a proxy does not pass on Upgrade and Connection: no lesson can be joined through it",
        "a trusted proxy does not send X-Forwarded-For: all people look like one",
    ]
