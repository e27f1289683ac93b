"""Standard encoders and players: FFmpeg publishes a board, Chromium shows it, WHEP plays it."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from playwright.sync_api import Playwright

from server.simulate.identity import counter_step, read_mark
from tests.browser.county import ROOMS, County, client
from tests.browser.screens import WAIT_S, open_seat
from tests.browser.server_process import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ENCODER = 7  # the identity in the encoder's picture and voice
ENCODER_RUNS_S = 500  # longer than the test needs; it is ended with the test


@contextmanager
def whip_encoder(address: str, token: str, folder: Path) -> Iterator[None]:
    """FFmpeg's WHIP muxer publishing to an address, until the block ends."""
    encoder = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.browser.whip_encoder",
            address,
            str(ENCODER),
            str(ENCODER_RUNS_S),
            str(folder),
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert encoder.stdin and encoder.stderr
    encoder.stdin.write(token.encode())
    encoder.stdin.close()
    try:
        yield
        assert encoder.poll() is None, encoder.stderr.read().decode()
    finally:
        encoder.kill()
        encoder.wait()
        encoder.stderr.close()


async def played_by_whep(origin: str, token: str, seat: str) -> tuple[list[int], bool]:
    """A WHEP player's first counters of the encoder's picture, and whether sound came."""
    peer = RTCPeerConnection()
    video = peer.addTransceiver("video", direction="recvonly").receiver
    audio = peer.addTransceiver("audio", direction="recvonly").receiver
    try:
        await peer.setLocalDescription(await peer.createOffer())
        async with httpx.AsyncClient(base_url=origin) as http:
            answer = await http.post(
                f"/whep?seat={seat}&source=board",
                content=peer.localDescription.sdp,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"},
            )
            assert answer.status_code == 201, answer.text
            await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            counters = []
            async with asyncio.timeout(WAIT_S):
                while len(counters) < 5:
                    frame = await video.track.recv()
                    mark = read_mark(frame.to_ndarray(format="gray"))
                    if mark and mark.identity == ENCODER:
                        counters.append(mark.counter)
                await audio.track.recv()
            ended = await http.delete(
                answer.headers["Location"], headers={"Authorization": f"Bearer {token}"}
            )
            assert ended.status_code == 200
        return counters, True
    finally:
        await peer.close()


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
            counters, sound = pool.submit(asyncio.run, player).result()
        assert sound
        assert all(counter_step(a, b) > 0 for a, b in itertools.pairwise(counters))
