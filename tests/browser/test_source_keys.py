"""An encoder that nobody touches: FFmpeg with its room's source key, in and out of lessons."""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.accounts.first_start import setup_address
from server.config import Settings
from server.serving import running_server
from tests.browser.county import ADMINISTRATOR, ROOMS, County, client, post
from tests.browser.encoders import played_by_whep, whip_encoder
from tests.browser.server_process import ServerProcess
from tests.ports import free_media_port

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ROOM = ROOMS[0]
TOKEN_LIFE_S = 600.0
# How FFmpeg calls a 401 and a 409.
REFUSED_TOKEN, NOT_NOW = "401 Unauthorized", "4XX Client Error"


@dataclass
class ShiftedClock:
    """The time of day, moved on by as much as the test says."""

    shift_s: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.shift_s


def new_key(county: County) -> dict[str, str]:
    """The administrator makes a source key for the room's document camera."""
    with client(county.origin) as admin:
        post(admin, "/api/session", **ADMINISTRATOR)
        path = f"/api/classrooms/{county.room_ids[ROOM]}/source_keys"
        return post(admin, path, label="document camera", source="board")


def plays(county: County, lesson_id: str) -> list[int]:
    """An observer plays the encoder's picture and sound from the room's seat."""
    path = f"/api/lessons/{lesson_id}/token"
    token = post(county.teacher, path, role="observer")["token"]
    seat = county.seats(lesson_id)[ROOM]
    return asyncio.run(played_by_whep(county.origin, token, seat))


def sent_from(county: County, lesson_id: str) -> set[str]:
    """The sources that the room's seat sends, as the administrator sees it."""
    with client(county.origin) as admin:
        post(admin, "/api/session", **ADMINISTRATOR)
        live = admin.get("/api/admin/live").json()["lessons"]
    (lesson,) = (each for each in live if each["lesson"]["id"] == lesson_id)
    seat_id = county.seats(lesson_id)[ROOM]
    (seat,) = (each for each in lesson["seats"] if each["seat_id"] == seat_id)
    return {source["source"] for source in seat["sources"]}


def next_end(encoder: subprocess.Popen[bytes]) -> str:
    """Why the encoder's present try has ended; waits for it."""
    assert encoder.stdout
    line = encoder.stdout.readline().decode()
    assert line.startswith("ended: "), line
    return line


def test_a_key_still_opens_when_a_token_has_run_out(tmp_path: Path) -> None:
    asyncio.run(_outlives_a_token(tmp_path))


async def _outlives_a_token(folder: Path) -> None:
    clock = ShiftedClock()
    settings = Settings(
        data_folder=folder / "data",
        host="127.0.0.1",
        port=0,
        media_port=free_media_port(),
        advertised=("127.0.0.1",),
        plain_http=True,
    )
    async with running_server(settings, clock=clock) as server:
        setup = await setup_address(server.services.database, server.settings, clock())
        assert setup is not None
        origin = f"http://127.0.0.1:{server.settings.port}"
        await asyncio.to_thread(_two_sessions, folder, clock, origin, setup.partition("#key=")[2])


def _two_sessions(folder: Path, clock: ShiftedClock, origin: str, setup_key: str) -> None:
    county = County.founded(origin, setup_key, profile="recording-room")
    with ExitStack() as stack:
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended")
        room = stack.enter_context(client(origin))
        room.headers["Authorization"] = f"Bearer {county.credentials[ROOM]}"
        token, key = room.get("/api/room").json()["token"], new_key(county)
        with whip_encoder(key["address"], key["secret"], folder):
            assert plays(county, lesson_id)

        clock.shift_s += TOKEN_LIFE_S + 60
        with whip_encoder(key["address"], token, folder, again=True) as encoder:
            assert REFUSED_TOKEN in next_end(encoder)
        # The first one was killed: its place is taken until its silence is noticed.
        with whip_encoder(key["address"], key["secret"], folder, again=True):
            assert plays(county, lesson_id)


def test_an_encoder_that_nobody_touches_is_in_every_lesson(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = ServerProcess(
            tmp_path / "data",
            settings={"TONGKE_PLAIN_HTTP": "true", "TONGKE_HOST": "127.0.0.1"},
        )
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="recording-room")
        stack.callback(county.teacher.close)
        key = new_key(county)
        encoder = stack.enter_context(
            whip_encoder(key["address"], key["secret"], tmp_path, again=True)
        )
        assert NOT_NOW in next_end(encoder)  # no lesson yet: it waits

        lesson_id = county.lesson_now(mode="blended")
        assert plays(county, lesson_id)

        server.kill()
        server.start()
        assert plays(county, lesson_id)

        county.teacher.post(f"/api/lessons/{lesson_id}/end").raise_for_status()
        while NOT_NOW not in next_end(encoder):
            pass  # refused while the server was away, then without a word about its session
        second = county.lesson_now(mode="blended")
        assert plays(county, second)
        assert sent_from(county, second) == {"board", "room"}

        with client(county.origin) as admin:
            post(admin, "/api/session", **ADMINISTRATOR)
            admin.delete(f"/api/source_keys/{key['id']}").raise_for_status()
        assert sent_from(county, second) == set()
