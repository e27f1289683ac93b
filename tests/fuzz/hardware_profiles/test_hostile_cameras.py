"""Cameras that send anything. The invariant: whatever bytes come, cut anywhere, at whatever time,
the client never raises, keeps no more than one message of them, and ends within its time limits.
"""

from __future__ import annotations

import random

import pytest

from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.client import ANSWER_S, State
from hardware_profiles.room_agent.sources.rtsp.events import Ended
from hardware_profiles.room_agent.sources.rtsp.wire import RtspRequest
from tests.fuzz.rounds import SEED, rounds
from tests.unit.hardware_profiles.room_agent.scripted_camera import Camera, answer, usual

ODD = [
    b"\r\n", b"\r\n\r\n", b"$", b"$\x00\xff\xff", b"$\x00\x00\x00", b"RTSP/1.0 401 \r\n", b": ",
    b"\0",
    b"Content-Length: 65536\r\n", b"Content-Length: 3\r\n", b"CSeq: 1\r\n",
    b"Session: x;timeout=1\r\n",
    b"Transport: RTP/AVP;interleaved=254-255\r\n", b"m=video 0 RTP/AVP 96\r\n", b"a=control:*\r\n",
    b'WWW-Authenticate: Digest realm="', b"Location: rtsp://10.0.0.5/x\r\n", b"\xff", "课".encode(),
    b"REDIRECT x RTSP/1.0\r\n", b"a=fmtp:96 sprop-parameter-sets=", b"99999999999999999999", b"rtsp://",
]  # fmt: skip
INPUTS = 50  # answers and frames of one conversation, about
STATUSES = ["200 OK", "302 Moved", "401 Unauthorized", "404 Not Found", "100 Continue", "454 Gone"]


def damaged(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice((0, 0, 0, 0, 0, 1, 2, 4))):
        at, length = rng.randrange(len(data) + 1), rng.randrange(40)
        match rng.randrange(4):
            case 0:
                data = data[:at] + data[at + length :]
            case 1:
                data = data[:at] + rng.choice(ODD) + data[at:]
            case 2:
                data = data[:at] + rng.randbytes(length) + data[at + length :]
            case _:
                data = data[:at] + data[at : at + length] * 2 + data[at + length :]
    return data


def hostile(rng: random.Random, request: RtspRequest) -> bytes:
    said = usual(request)
    if rng.random() < 0.2:
        fields = (f'WWW-Authenticate: Digest realm="c", nonce="{rng.random()}", stale=true',)
        said = answer(request, rng.choice(STATUSES), (*fields, "Location: rtsp://10.0.0.5/y"))
    return damaged(rng, said.encode())


@pytest.mark.timeout(3600)
def test_a_client_outlives_every_camera() -> None:
    rng = random.Random(SEED)
    ended = played = 0
    tried = rounds(300 * INPUTS) // INPUTS
    for _ in range(tried):
        camera = Camera(
            lambda request: hostile(rng, request),
            login=Login("admin", "geheim"),
            cut=rng.choice((1, 5, 1000)),
            tracks=(0, 1),
        )
        camera.run()
        played += camera.client.state is State.PLAYING
        for _ in range(rng.randrange(4)):
            frame = b"$" + rng.randbytes(1) + (8).to_bytes(2, "big") + rng.randbytes(8)
            camera.sends(damaged(rng, frame))
            camera.client.handle_datagram(0, rng.randbytes(9), "10.0.0.5", camera.now)
        camera.until(camera.now + 20 * ANSWER_S)
        assert len(camera.client._reader._buffer) <= 16_384 + 65_536
        over = [one for one in camera.told if isinstance(one, Ended)]
        assert len(over) <= 1
        assert len(camera.asked) < 60
        assert all("geheim" not in str(one.error) + one.error.message_zh for one in over)
        ended += len(over)
    assert ended == tried  # in the end each of them is lost: none of them sends a picture
    assert tried // 20 < played < tried
