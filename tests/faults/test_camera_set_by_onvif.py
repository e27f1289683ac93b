"""A real RTSP camera with B-frames, set to Baseline by ONVIF, is passed on as it is.

The camera is GStreamer's, its ONVIF the tests' own: what is set there changes what it encodes.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.camera_setting import CameraSetting, SetStream
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sources.onvif.post import OnvifAddress, OnvifCamera
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from hardware_profiles.room_agent.sources.source import NetworkCamera as Source
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.onvif_camera import PASSWORD, USER, EncoderSetting, FakeOnvif, Make

PATIENCE_S = 60.0


async def test_b_frames_are_asked_away() -> None:
    need_cameras()
    camera = NetworkCamera(9, CameraModel(codec="b-frames", gop=75, password=PASSWORD))
    camera.start()

    def changed(to: EncoderSetting) -> None:
        """As many cameras do, it begins its stream anew."""
        camera.kill()
        codec = "h264" if to.h264_profile == "Baseline" else "b-frames"
        camera.model = replace(camera.model, codec=codec, gop=to.gop)
        camera.start()

    encoder = EncoderSetting("/main", gop=75, h264_profile="Main", frame_rate=15)
    try:
        with FakeOnvif(Make.LONG_NAMES, [encoder], on_set=changed) as onvif:
            await followed(camera, onvif)
    finally:
        camera.kill()


async def followed(camera: NetworkCamera, onvif: FakeOnvif) -> None:
    login = Login(USER, PASSWORD)
    packets = Source(StreamAddress.parse(camera.url), login, udp=False, rng=Random(1))
    feed = CameraFeed(packets, Target(320, 240, 15, 300_000), first_timestamp=0)
    # At first the group is found too long; Baseline is asked for once B-frames have been seen.
    known = OnvifCamera(OnvifAddress.parse(onvif.url), login)
    setting = CameraSetting(known, [SetStream(camera.url, feed)], lambda _: None)
    feed.start()
    running = asyncio.create_task(setting.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not is_set(setting, feed) or not plays_as_it_is(feed):  # noqa: ASYNC110 - as said
                await asyncio.sleep(0.05)  # a real camera tells nobody
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await feed.stop()
    assert (onvif.streams[0].gop, onvif.streams[0].h264_profile) == (30, "Baseline")


def is_set(setting: CameraSetting, feed: CameraFeed) -> bool:
    """Whether the status says so."""
    words = setting.said(feed)
    return words is not None and "Baseline" in words[0] and "Baseline" in words[1]


def plays_as_it_is(feed: CameraFeed) -> bool:
    return feed.state is StreamState.SENDS and feed.converted is None and feed.path.size is not None
