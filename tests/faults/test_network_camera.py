"""The RTSP client and a real camera: GStreamer's RTSP server, by TCP and UDP, with a password."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.rtsp.connection import receive
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.rtsp.errors import CameraLost, LoginRefused, RtspError
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, parse_compound
from tests.network_camera import CameraModel, NetworkCamera, need_cameras

PASSWORD = "s3cret-geheim"


class Collected:
    """What a camera sends; `enough` when there are so many packets and a report."""

    def __init__(self) -> None:
        self.track: CameraTrack | None = None
        self.packets: list[RtpPacket] = []
        self.reports: list[SenderReport] = []
        self.enough = asyncio.Event()

    def begins(self, track: CameraTrack) -> None:
        self.track = track

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
