"""The RTSP client and real cameras of two makes.

GStreamer's RTSP server, by TCP and UDP, with a password; and that of aio-rtsp-toolkit, which plays
a file once and says goodbye.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from random import Random
from typing import Any

import av
import pytest

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.connection import receive
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.rtsp.errors import CameraLost, LoginRefused, RtspError
from hardware_profiles.room_agent.sources.source import NetworkCamera as NetworkSource
from mixer.rtp import h264
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, parse_compound
from server.simulate.identity import COUNTER_RANGE, Mark, counter_step, read_mark
from tests.camera_media import Viewer
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.ports import free_port
from tests.recorded_media import FRAME_RATE, counter_picture

PASSWORD = "s3cret-geheim"
ENOUGH = 30  # pictures of which each follows the one before
PICTURES = 30  # more than one group, and fewer than the other make queues


class Collected:
    """What a camera sends; `enough` when there are so many packets and a report."""

    def __init__(self) -> None:
        self.track: CameraTrack | None = None
        self.packets: list[RtpPacket] = []
        self.reports: list[SenderReport] = []
        self.enough = asyncio.Event()

    def begins(self, track: CameraTrack) -> None:
        self.track = track

    def lives(self) -> None:
        """No camera of the network says so."""

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        if control:
            self.reports += [p for p in parse_compound(data) if isinstance(p, SenderReport)]
        else:
            self.packets.append(RtpPacket.parse(data))
        if len(self.packets) > 60 and self.reports:
            self.enough.set()
        return True


@pytest.fixture(scope="module")
def camera() -> Iterator[NetworkCamera]:
    need_cameras()
    camera = NetworkCamera(9, CameraModel(password=PASSWORD))
    camera.start()
    yield camera
    camera.kill()


@pytest.mark.parametrize("udp", [False, True])
async def test_its_packets_come_whole_and_in_order(camera: NetworkCamera, *, udp: bool) -> None:
    seen = Collected()
    address, login = StreamAddress.parse(camera.url), Login("admin", PASSWORD)
    watching = asyncio.create_task(receive(address, login, seen, udp=udp, rng=Random(1)))
    async with asyncio.timeout(60):
        await asyncio.wait(
            [watching, asyncio.create_task(seen.enough.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert seen.enough.is_set(), watching
    assert seen.track is not None and len(seen.track.parameter_sets) == 2
    first = seen.packets[0].sequence_number
    assert [p.sequence_number for p in seen.packets] == [
        (first + n) & 0xFFFF for n in range(len(seen.packets))
    ]
    assert {report.ssrc for report in seen.reports} == {seen.packets[0].ssrc}


async def failure(camera: NetworkCamera, login: Login | None, url: str = "") -> RtspError:
    address = StreamAddress.parse(url or camera.url)
    with pytest.raises(RtspError) as caught:
        async with asyncio.timeout(20):
            await receive(address, login, Collected(), udp=False, rng=Random(1))
    assert PASSWORD not in f"{caught.value!r} {caught.value.message_zh}"
    return caught.value


async def test_it_is_told_what_is_wrong(camera: NetworkCamera) -> None:
    assert isinstance(await failure(camera, None), LoginRefused)
    assert isinstance(await failure(camera, Login("admin", "wrong")), LoginRefused)
    login = Login("admin", PASSWORD)
    assert "404" in str(await failure(camera, login, camera.url + "x"))
    nowhere = await failure(camera, login, "rtsp://127.0.0.1:1/main")
    assert isinstance(nowhere, CameraLost)


async def test_a_plug_pulled_is_a_loss() -> None:
    need_cameras()
    camera = NetworkCamera(9)
    camera.start()
    try:
        seen = Collected()
        address = StreamAddress.parse(camera.url)
        watching = asyncio.create_task(receive(address, None, seen, udp=False, rng=Random(1)))
        async with asyncio.timeout(60):
            await seen.enough.wait()
            camera.kill()
            with pytest.raises(CameraLost, match="closed the connection"):
                await watching
    finally:
        camera.kill()


@pytest.fixture
def player(tmp_path: Path) -> Iterator[str]:
    """The other make, playing a film of counted pictures."""
    film(tmp_path / "camera.mp4", PICTURES)
    port = free_port()
    program = [str(Path(sys.executable).parent / "rtsp-server"), "-H", "127.0.0.1"]
    program += ["-d", str(tmp_path), "-p", str(port), "-cp", str(free_port())]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield f"rtsp://127.0.0.1:{port}/camera.mp4"
    process.kill()
    process.wait()


class Viewed:
    """What FFmpeg decodes of the packets as they are sent on."""

    def __init__(self) -> None:
        self.path = CameraPath(0)
        self.viewer = Viewer()
        self._number = 0

    def begins(self, track: CameraTrack) -> None:
        self.path.begin(track.payload_type, track.parameter_sets)

    def lives(self) -> None:
        """No camera of the network says so."""

    def packet(self, data: bytes, at: float, *, control: bool) -> bool:
        if control:
            self.path.control(data, at, time.time())
            return not self.path.ended
        for one in self.path.packet(data, at):
            self._number = (self._number + 1) & 0xFFFF
            self.viewer.take(
                RtpPacket(
                    96, self._number, one.timestamp, 1, payload=one.payload, marker=one.marker
                )
            )
        return True


async def test_another_make_is_seen_whole_and_its_goodbye_is_a_loss(player: str) -> None:
    seen = Viewed()
    with pytest.raises(CameraLost, match="it ended the stream"):
        async with asyncio.timeout(60):
            while True:
                try:
                    address = StreamAddress.parse(player)
                    await receive(address, None, seen, udp=False, rng=Random(1))
                except CameraLost as loss:
                    if "no connection" not in str(loss):
                        raise
                    await asyncio.sleep(0.1)  # it is still starting
    # This make puts a picture into its queue again where it does not learn in time that it was put.
    once = [counter for counter, _ in groupby(seen.viewer.counters)]
    assert once == list(range(PICTURES))
    assert not seen.path.dropped and not seen.path.lost


def film(file: Path, pictures: int) -> None:
    """An MP4 of counted pictures."""
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"tune": "zerolatency", "preset": "ultrafast", "g": str(FRAME_RATE)}
        for number in range(pictures):
            picture = counter_picture(number, 320, 240)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))


@pytest.mark.thorough
@pytest.mark.parametrize("codec", ["h265", "jpeg", "b-frames"])
@pytest.mark.parametrize("udp", [False, True])
async def test_what_browsers_do_not_play_is_seen_all_the_same(codec: str, *, udp: bool) -> None:
    """Every picture says whose it is and when it was taken: in their order, none twice, none old.

    A camera leaves pictures out by itself where its machine is short of time.
    """
    need_cameras()
    camera = NetworkCamera(9, CameraModel(codec=codec, password=PASSWORD))
    camera.start()
    source = NetworkSource(
        StreamAddress.parse(camera.url), Login("admin", PASSWORD), udp=udp, rng=Random(1)
    )
    feed = CameraFeed(source, Target(320, 240, 15, 600_000), first_timestamp=5)
    marks = Marks()
    try:
        feed.start()
        async with asyncio.timeout(60):
            await passed_on_no_more(feed)
            feed.listen(marks.take)
            await marks.more_than(2 * ENOUGH)
        assert feed.converted is not None and feed.converted.reason.value == codec
        assert feed.converted.size == (320, 240)
    finally:
        await feed.stop()
        camera.kill()
    assert {mark.identity for mark in marks.seen} == {9}
    # A machine that is busy leaves out as many as it must.
    steps = [counter_step(a.counter, b.counter) for a, b in pairwise(marks.seen[-ENOUGH:])]
    assert all(0 < step < 10 * 15 for step in steps), steps
    assert marks.newest_age_s < 3.0  # encoded and decoded twice, on a machine that may be busy


async def passed_on_no_more(feed: CameraFeed) -> None:
    """Until B-frames are noticed, the pictures go out as they come: not all of them to be shown."""
    came = asyncio.Event()

    def noticed(_: Passed) -> None:
        came.set()

    feed.listen(noticed)
    while feed.converted is None:
        came.clear()
        await came.wait()
    feed.unlisten(noticed)


class Marks:
    """What FFmpeg reads off the pictures that go out."""

    def __init__(self) -> None:
        self.seen: list[Mark] = []
        self.newest_age_s = float("inf")
        self._decoder: Any = av.CodecContext.create("h264", "r")
        self._decoder.options = {"flags": "low_delay"}
        self._data = b""
        self._came = asyncio.Event()

    async def more_than(self, count: int) -> None:
        """Returns when so many have been seen, and one more."""
        while len(self.seen) <= count:
            self._came.clear()
            await self._came.wait()

    def take(self, passed: Passed) -> None:
        for part in h264.split(passed.payload):
            self._data += (b"\0\0\0\1" if part.start else b"") + part.data
        if not passed.marker:
            return
        data, self._data = self._data, b""
        for frame in self._decoder.decode(av.Packet(data)):
            mark = read_mark(frame.to_ndarray(format="gray"))
            assert mark is not None
            self.seen.append(mark)
            now = int(time.time() * 15) % COUNTER_RANGE
            self.newest_age_s = counter_step(mark.counter, now) / 15
            self._came.set()
