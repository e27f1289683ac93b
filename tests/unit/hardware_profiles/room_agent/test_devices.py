"""Cameras, films and test pictures of the machine: what is taken, its name, what it sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest

from hardware_profiles.camera import Camera
from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.sources.devices import LocalDevice
from hardware_profiles.room_agent.sources.errors import DeviceFailed
from hardware_profiles.room_agent.sources.usb.choice import best_mode, device_path
from hardware_profiles.room_agent.sources.usb.probe import DeviceMode, describe
from mixer.rtp.packet import RtpPacket
from tests.camera_media import Viewer
from tests.recorded_media import counter_picture
from tests.unit.hardware_profiles.room_agent.v4l2_camera import CAPTURE, WEBCAM, V4l2Camera

LARGE, SMALL = Target(320, 240, 25, 600_000), Target(160, 120, 25, 200_000)


def test_a_camera_says_what_it_can_do() -> None:
    described = describe(V4l2Camera().ioctl)
    assert described is not None
    assert (described.card, described.bus) == ("Classroom Camera", "usb-0000:00:14.0-3")
    told = {(m.fourcc, m.width, m.height, round(m.frame_rate)) for m in described.modes}
    assert told == {
        (name, *size, round(denominator / numerator))
        for name, sizes in WEBCAM.items()
        for size, intervals in sizes.items()
        for numerator, denominator in intervals
    }


def test_a_camera_with_any_size_up_to_its_largest() -> None:
    described = describe(V4l2Camera(stepwise=True).ioctl)
    assert described is not None
    assert {(m.width, m.height) for m in described.modes} == {(1920, 1080)}


def test_what_gives_no_pictures_is_no_camera() -> None:
    assert describe(V4l2Camera(able=0x0080_0000).ioctl) is None
    assert describe(V4l2Camera(able=CAPTURE).ioctl) is None  # which cannot stream
    with pytest.raises(OSError, match="gone"):
        describe(V4l2Camera(gone=True).ioctl)


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ((1920, 1080, 25), ("MJPG", 1920, 1080, 30)),  # raw would be five a second
        ((640, 480, 25), ("YUYV", 640, 480, 30)),  # raw is enough: nothing to decode
        ((640, 480, 15), ("YUYV", 640, 480, 15)),
        ((640, 360, 25), ("MJPG", 1280, 720, 30)),  # of its own proportions
        ((3840, 2160, 30), ("MJPG", 1920, 1080, 30)),  # more than it has
        ((1920, 1080, 5), ("YUYV", 1920, 1080, 5)),
    ],
)
def test_the_mode_that_gives_what_the_profile_asks_for(
    asked: tuple[int, int, float], taken: tuple[str, int, int, float]
) -> None:
    described = describe(V4l2Camera().ioctl)
    assert described is not None
    assert best_mode(described.modes, *asked) == DeviceMode(*taken)


def test_no_known_mode_is_none() -> None:
    assert best_mode([DeviceMode("HEVC", 640, 480, 30)], 640, 480, 30) is None


def test_a_name_that_stays_leads_to_its_device_wherever_it_is_plugged_in(tmp_path: Path) -> None:
    by_id = tmp_path / "v4l" / "by-id"
    by_id.mkdir(parents=True)
    for number in (0, 1, 2):
        (tmp_path / f"video{number}").touch()
    name = "usb-Maker_Classroom_7F3A-video-index0"
    (by_id / name).symlink_to("../../video2")
    (by_id / "usb-Maker_Classroom_7F3A-video-index1").symlink_to("../../video1")
    (by_id / "usb-Other_Board_11-video-index0").symlink_to("../../video0")
    for given in (name, "7F3A"):
        found = device_path(given, tmp_path)
        assert found is not None and found.resolve() == tmp_path / "video2"
    assert device_path("video1", tmp_path) == tmp_path / "./video1"
    assert device_path("usb-", tmp_path) is None  # which of the two?
    assert device_path("7F3B", tmp_path) is None
    assert device_path(str(tmp_path / "video9"), tmp_path) is None


def film(file: Path, pictures: int = 50) -> None:
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"g": "25", "preset": "ultrafast"}
        for number in range(pictures):
            picture = counter_picture(number, 320, 240)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))


class Watched:
    """What comes out of one layer."""

    def __init__(self, feed: CameraFeed) -> None:
        self.feed = feed
        self.viewer = Viewer()
        self._number = 0
        feed.listen(self.take)

    def take(self, one: Passed) -> None:
        self._number += 1
        number = self._number & 0xFFFF
        self.viewer.take(RtpPacket(96, number, 0, 1, payload=one.payload, marker=one.marker))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what a child does has no event
            await asyncio.sleep(0.01)


def feeds(device: LocalDevice) -> list[CameraFeed]:
    return [
        CameraFeed(layer, target, first_timestamp=7)
        for layer, target in zip(device.layers, (SMALL, LARGE), strict=True)
    ]


@pytest.mark.thorough
async def test_a_film_comes_in_its_layers_in_its_own_time_from_one_child(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4")
    small, large = feeds(LocalDevice("file", str(tmp_path / "film.mp4"), (SMALL, LARGE)))
    for feed in (small, large):
        feed.start()
    try:
        seen = Watched(large)
        loop = asyncio.get_running_loop()
        await until(lambda: len(seen.viewer.counters) >= 5)
        began, before = loop.time(), len(seen.viewer.counters)
        await until(lambda: len(seen.viewer.counters) >= before + 25)
        assert 0.7 < loop.time() - began < 3
        counters = seen.viewer.counters[:30]
        assert [b - a for a, b in pairwise(counters)].count(1) >= 27
        # The other one is not wanted: it is known to be there, and is not encoded.
        await until(lambda: small.state is StreamState.SENDS)
        assert small.packets == 0 and large.path.size == (320, 240)
        late = Watched(small)
        await until(lambda: len(late.viewer.counters) >= 5)
        assert small.path.size == (160, 120)
        large.unlisten(seen.take)
        packets, came = large.packets, small.packets
        await until(lambda: small.packets > came + 10)
        assert large.packets <= packets + 8  # those under way
        await until(lambda: small.price > 0)
    finally:
        await small.stop()
        await large.stop()


@pytest.mark.thorough
async def test_a_device_that_is_not_there_is_found_when_it_comes(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    _, large = feeds(LocalDevice("file", str(file), (SMALL, LARGE)))
    seen = Watched(large)
    large.start()
    try:
        await until(lambda: large.trouble is not None)
        trouble = large.trouble
        assert isinstance(trouble, DeviceFailed) and "plug the camera in" in trouble.message_en
        assert str(file) not in trouble.message_en
        film(tmp_path / "made.mp4")
        (tmp_path / "made.mp4").rename(file)
        await until(lambda: len(seen.viewer.counters) >= 5)
        assert large.trouble is None and large.state is StreamState.SENDS
    finally:
        await large.stop()


async def test_a_test_picture_moves() -> None:
    device = LocalDevice("pattern", "", (SMALL, LARGE))
    _, large = feeds(device)
    pictures: list[bytes] = []
    large.listen(lambda one: pictures.append(one.payload) if one.marker else None)
    large.start()
    try:
        await until(lambda: len(pictures) >= 10)
        assert len(set(pictures)) == len(pictures) and device.size == (320, 240)
    finally:
        await large.stop()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"kind": "usb", "streams": [{"rid": "f"}]}, "names the USB camera"),
        ({"kind": "pattern", "device": "x", "streams": [{"rid": "f"}]}, "nothing else has it"),
        ({"streams": [{"rid": "f"}]}, "is missing"),
        (
            {"kind": "usb", "device": "x", "streams": [{"rid": "f", "url": "rtsp://10.0.0.5/"}]},
            "only a network camera",
        ),
    ],
)
def test_a_profile_that_mixes_kinds_is_told_so(table: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Camera.model_validate_json(json.dumps(table))
