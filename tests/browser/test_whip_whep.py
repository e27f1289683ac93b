"""Standard encoders and players: FFmpeg publishes a board, Chromium shows it, WHEP plays it."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from server.simulate.identity import counter_step
from tests.browser.county import ROOMS, County, client
from tests.browser.encoders import ENCODER, played_by_whep, whip_encoder
from tests.browser.screens import open_seat
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_an_encoder_is_a_rooms_source_and_a_player_an_observer(
    tmp_path: Path, playwright: Playwright
) -> None:
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
        lesson_id = county.lesson_now(mode="blended")
        room = client(server.origin)
        stack.callback(room.close)
        room.headers["Authorization"] = f"Bearer {county.credentials[ROOMS[0]]}"
        token = room.get("/api/room").json()["token"]
        seat = county.seats(lesson_id)[ROOMS[0]]

        stack.enter_context(whip_encoder(f"{server.origin}/whip/board", token, tmp_path))
        teacher = open_seat(stack, playwright, tmp_path, "Li Min", 1)
        county.teach(teacher, lesson_id)
        teacher.sees_moving(seat, ENCODER)
        teacher.hears_only(seat, ENCODER)

        observer = county.teacher.post(
            f"/api/lessons/{lesson_id}/token", json={"role": "observer"}
        ).json()
        with ThreadPoolExecutor(1) as pool:  # this thread's loop is Playwright's
            player = played_by_whep(server.origin, observer["token"], seat)
            counters = pool.submit(asyncio.run, player).result()
        assert all(counter_step(a, b) > 0 for a, b in itertools.pairwise(counters))
