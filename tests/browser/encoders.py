"""A standard encoder at work, and a standard player that sees and hears it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import httpx
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription

from server.simulate.identity import read_mark
from tests.browser.screens import WAIT_S

ENCODER = 7  # the identity in the encoder's picture and voice
ENCODER_RUNS_S = 500  # longer than a test needs; it is ended with the test


@contextmanager
def whip_encoder(
    address: str, token: str, folder: Path, *, again: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """FFmpeg's WHIP muxer publishing to an address, until the block ends.

    With `again` it begins anew whenever it is refused or cut off, and says so on its output.
    """
    encoder = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.browser.whip_encoder",
            address,
            str(ENCODER),
            str(ENCODER_RUNS_S),
            str(folder),
            *(["again"] if again else []),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert encoder.stdin and encoder.stdout and encoder.stderr
    encoder.stdin.write(token.encode())
    encoder.stdin.close()
    try:
        yield encoder
        assert encoder.poll() is None, "the encoder ended by itself"
    except BaseException as error:
        encoder.kill()
        error.add_note(f"The encoder said: {encoder.stderr.read().decode()[-2000:] or 'nothing'}")
        raise
    finally:
        encoder.kill()
        encoder.wait()
        encoder.stdout.close()
        encoder.stderr.close()


async def played_by_whep(origin: str, token: str, seat: str) -> list[int]:
    """A WHEP player's first counters of the encoder's picture, once its sound has come too.

    While there is nothing to play yet the player asks again, as it is told to.
    """
    peer = RTCPeerConnection()
    video = peer.addTransceiver("video", direction="recvonly").receiver
    audio = peer.addTransceiver("audio", direction="recvonly").receiver
    headers = {"Authorization": f"Bearer {token}"}
    try:
        await peer.setLocalDescription(await peer.createOffer())
        async with (
            httpx.AsyncClient(base_url=origin, timeout=WAIT_S) as http,
            asyncio.timeout(WAIT_S),
        ):
            while True:
                answer = await http.post(
                    f"/whep?seat={seat}&source=board",
                    content=peer.localDescription.sdp,
                    headers={**headers, "Content-Type": "application/sdp"},
                )
                if answer.status_code != 409:
                    break
                await asyncio.sleep(float(answer.headers["Retry-After"]))
            assert answer.status_code == 201, answer.text
            await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            counters: list[int] = []
            while len(counters) < 5:
                frame = await video.track.recv()
                assert isinstance(frame, av.VideoFrame)
                mark = read_mark(frame.to_ndarray(format="gray").astype(np.uint8))
                if mark and mark.identity == ENCODER:
                    counters.append(mark.counter)
            await audio.track.recv()
            ended = await http.delete(answer.headers["Location"], headers=headers)
            assert ended.status_code == 200
        return counters
    finally:
        await peer.close()
