"""Ours: the room agent's cameras and its sending, `… tongke_room URL WHIP N`.

N cameras, four to a connection, as a room's seat sends at most so many pictures. What of the agent
is left out is its place in a lesson (one message in seconds) and its status page.
"""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from random import Random

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sending import CameraSending, SentCamera
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.source import NetworkCamera
from signaling.protocol.messages import Source

_NAMES = (Source.TEACHER, Source.STUDENTS, Source.BOARD, Source.SCREEN)


def post(url: str, sdp: str) -> str:
    """The answer of WHIP."""
    request = urllib.request.Request(  # noqa: S310  # our own sink
        url, sdp.encode(), {"Content-Type": "application/sdp"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our sink's
        return str(answer.read().decode())


async def main(url: str, whip: str, count: int) -> None:
    """Until killed."""
    rng = Random(1)
    feeds = [
        CameraFeed(
            NetworkCamera(StreamAddress.parse(url), None, udp=False, rng=rng),
            Target(1920, 1080, 30, 4_000_000),
            first_timestamp=number,
        )
        for number in range(count)
    ]
    for feed in feeds:
        feed.start()
    sendings = []
    for begin in range(0, count, len(_NAMES)):
        some = zip(_NAMES, feeds[begin : begin + len(_NAMES)], strict=False)
        sending = CameraSending([SentCamera(name, [feed]) for name, feed in some], rng=rng)
        sdp, _ = await sending.offer()
        await sending.take_answer(await asyncio.to_thread(post, whip, sdp))
        sendings.append(sending)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
