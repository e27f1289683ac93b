"""Low-latency HLS of a real compositor between a real media core's taps: what is packed, how late.

The picture that is fed is still, so what comes is what the compositor sends by itself: a picture in
each part. Then the compositor is killed, and the same player goes on. And FFmpeg's own player has a
picture though it asks before anything is made.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mixer.model import ProducerInfo, ProducerLive
from mixer.outputs.playlist import INDEX, MEDIA
from mixer.outputs.segmenter import SEGMENT_S
from server.broadcasts.hls import LessonHls
from server.broadcasts.service import BroadcastService
from server.broadcasts.watch_keys import WatchKeys
from server.children.child import Allowances
from server.programs.service import ProgramService
from signaling.protocol.messages import Source
from tests.feeder import BRIGHTNESS
from tests.unit.node.peers import LESSON, running_node
from tests.unit.node.test_feeds import feeding, open_feeds
from tests.unit.server.programs.test_real_program import Lessons, brightness
from tests.unit.signaling.sample_lesson import plan

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(180)]

PATIENCE_S = 60.0
PARTS = 15

# From the rooms to a part that can be asked for: the part's own 200 ms, the picture after it, the
# jitter buffer of the sound, the encoder's 43 ms; and a busy machine.
LATEST_S = 1.0

# What the first playlist waits for: a second of picture, and the keyframe that ends it.
WHOLE_BY_S = 2.0


class ToldLessons(Lessons):
    """The lessons, whose observers hear of the program's streams."""

    def __init__(self) -> None:
        super().__init__()
        self.broadcasts: BroadcastService | None = None

    async def add_stream(
        self, lesson_id: str, producer: ProducerInfo, *, seat_id: str | None = None
    ) -> None:
        await super().add_stream(lesson_id, producer, seat_id=seat_id)
        if self.broadcasts is not None and seat_id is None:
            await self.broadcasts.producer_added(
                lesson_id, "", producer.label, producer.producer_id
            )


async def play(hls: LessonHls, count: int) -> tuple[str, list[float]]:
    """As a player does: each playlist is asked for with its next part. How late each was."""
    text = await hls.playlist()
    late: list[float] = []
    for _ in range(count):
        number, part = hls.segmenter.next_part
        text = await hls.playlist(number, part)
        newest = hls.segmenter.segments[-1]
        late.append(time.time() - (newest.unix_s + newest.duration_s))
    return text, late


@asynccontextmanager
async def put_out(tmp_path: Path) -> AsyncIterator[tuple[LessonHls, ProgramService]]:
    """A lesson's HLS, just asked for: nothing of its program is made yet."""
    sockets = tmp_path / "s"
    sockets.mkdir()
    async with running_node() as (node, _events):
        feeds = await open_feeds(node, sockets)
        lessons = ToldLessons()
        lead = lessons.desk.join("lead")
        made = lead.publish(Source.TEACHER, Source.ROOM)
        for mid, name in (("teacher", "picture"), ("room", "sound")):
            lessons.renamed[made[mid]] = feeds[name].producer.producer_id
            lessons.desk.notice(ProducerLive(made[mid], lead.device_id))
        programs = ProgramService(
            node,
            most=1,
            allowed=Allowances(backoff_s=(0.0,)),
            lingers_s=0.0,
            runtime_folder=tmp_path,
        )
        programs.lessons = lessons
        broadcasts = lessons.broadcasts = BroadcastService(
            node,
            programs,
            keys=WatchKeys(b"k" * 32),
            window_s=60,
            lingers_s=PATIENCE_S * 3,
            runtime_folder=tmp_path,
        )
        await programs.start()
        await broadcasts.start()
        try:
            async with feeding(sockets, feeds):
                await broadcasts.lesson_opened(replace(plan(), lesson_id=LESSON))
                hls = broadcasts.hls_of(LESSON)
                assert hls is not None
                yield hls, programs
        finally:
            await broadcasts.close()
            await programs.close()


async def test_what_is_made_can_be_played_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    async with put_out(tmp_path) as (hls, programs):
        async with asyncio.timeout(PATIENCE_S):
            assert "mp4a.40.2" in await hls.index()
            while not lead_is_seen(hls):
                await play(hls, 1)
            text, late = await play(hls, PARTS)
        print(f"a part is there {sorted(late)[len(late) // 2]:.2f} s after its end")
        assert sorted(late)[len(late) // 2] < LATEST_S
        durations = [float(one) for one in re.findall(r"PART:DURATION=([\d.]+)", text)]
        # Where a tick of the compositor is late its picture stands for longer.
        assert len(durations) > PARTS
        assert 0.19 < sorted(durations)[len(durations) // 2] < 0.25
        program = programs.program_of(LESSON)
        assert program is not None and program.pid is not None
        os.kill(program.pid, signal.SIGKILL)
        killed_at = time.time()
        async with asyncio.timeout(PATIENCE_S):
            while hls.segmenter.segments[-1].unix_s < killed_at or not lead_is_seen(hls):
                text, _ = await play(hls, 1)
        # One that is back at once goes on where the one before it was, and nothing breaks.
        segments = list(hls.segmenter.segments)
        for before, after in pairwise(segments):
            goes_on = abs(after.unix_s - before.unix_s - before.duration_s) < 0.1
            assert goes_on or after.discontinuity
        breaks = any(one.discontinuity for one in segments)
        assert ("#EXT-X-DISCONTINUITY\n" in text) == breaks


async def test_ffmpeg_that_asks_first_has_a_picture_of_the_first_second(tmp_path: Path) -> None:
    """It knows whole segments only, and gives up on a playlist that has none."""
    async with put_out(tmp_path) as (hls, _), answering(hls) as address:
        asked_at = time.monotonic()
        # A still picture comes five times a second. Before the first, its reader wants to know how
        # often, from twenty of them where it is not told that two are enough.
        asked = ("-v", "error", "-nostdin", "-fpsprobesize", "2", "-i", f"{address}/{INDEX}")
        wanted = ("-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
        ffmpeg = await asyncio.create_subprocess_exec(
            "ffmpeg",
            *asked,
            *wanted,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            shown, said = await ffmpeg.communicate()
        made_s = sum(one.duration_s for one in hls.segmenter.segments)
        print(f"a picture after {time.monotonic() - asked_at:.2f} s, {made_s:.2f} s are made")
        assert ffmpeg.returncode == 0, said
        _, header = hls.segmenter.headers[0]
        width, height = header.size
        assert len(shown) == width * height
        first = hls.segmenter.segments[0]
        assert first.whole and first.duration_s <= WHOLE_BY_S
        # Nothing but the first segment was there to be read.
        assert made_s < first.duration_s + SEGMENT_S


@asynccontextmanager
async def answering(hls: LessonHls) -> AsyncIterator[str]:
    """Its playlists and pieces by HTTP on this machine; the address of both."""

    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        if name == INDEX:
            return Response(await hls.index())
        if name == MEDIA:
            return Response(await hls.playlist())
        piece = await hls.piece(name)
        return Response(piece.data, media_type=piece.media_type)

    app = Starlette(routes=[Route("/{name}", answer)])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def lead_is_seen(hls: LessonHls) -> bool:
    """In the newest segment, decoded by libav."""
    newest = hls.segmenter.segments[-1]
    header, _ = hls.segmenter.headers[newest.header]
    film = header + b"".join(part.data for part in newest.parts)
    with av.open(io.BytesIO(film), "r") as container:
        *_, last = container.decode(video=0)
    return min(abs(brightness(last) - level) for level in BRIGHTNESS) < 12
