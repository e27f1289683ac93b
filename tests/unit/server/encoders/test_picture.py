"""An encoder's picture: as it comes, or through a child; what goes wrong is told by its cause."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

import pytest

from hardware_profiles.room_agent.converting import converter
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.sources.errors import NotConverted, OwnFault
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from server.encoders.conversion import conversion_notice
from server.encoders.encoded_picture import EncodedPicture
from tests.camera_media import B_FRAMES, ENCODERS, encode_h264, packetise


def track(codec: str) -> CameraTrack:
    return CameraTrack("video", 96, codec, 90_000, "")


def packets(options: Mapping[str, str]) -> list[bytes]:
    pictures = encode_h264(options, 1.0, keyframe_every=10)
    return [packet.serialize() for _, packet in packetise(pictures, ssrc=7)]


async def test_what_browsers_play_goes_on_and_a_failing_listener_is_named() -> None:
    picture = EncodedPicture(Random(1))
    seen: list[Passed] = []

    def broken(_passed: Passed) -> None:
        raise KeyError("secret")

    picture.begin(track("H264"))
    picture.listen(broken)
    picture.listen(seen.append)
    sent = packets(ENCODERS["high"])
    for data in sent:
        assert picture.packet(data, 5.0)
    assert len(seen) == len(sent) and picture.converted is None
    assert isinstance(picture.trouble, OwnFault) and "secret" not in str(picture.trouble)
    picture.end()
    assert picture.path.group.packets == ()


async def test_b_frames_are_seen_and_converted_from_there_on() -> None:
    picture = EncodedPicture(Random(1))
    picture.begin(track("H264"))
    for data in packets(B_FRAMES):
        assert picture.packet(data, 5.0)
    assert picture.converted is not None and picture.converted.reason is Unfit.B_FRAMES
    told = conversion_notice(picture.converted)
    assert "B-frames" in told.en and "B 帧" in told.zh and "core" not in told.en
    picture.end()
    assert picture.converted is None
    await picture.gone()


async def test_a_child_that_fails_is_told_and_begun_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(converter, "COMMAND", ("/bin/sh", "-c", "exit 3"))
    picture = EncodedPicture(Random(1))
    picture.begin(track("H265"))
    first = picture.converted
    assert first is not None and first.reason is Unfit.H265
    async with asyncio.timeout(10):
        await first.failed.wait()
    picture.packet(bytes(12), 5.0)
    assert isinstance(picture.trouble, NotConverted) and "by itself" in str(picture.trouble)
    picture.packet(bytes(12), 9.0)
    assert picture.converted is first
    picture.packet(bytes(12), 10.5)
    assert picture.converted is not first
    picture.end()
    await picture.gone()


def test_a_codec_that_nobody_here_reads() -> None:
    with pytest.raises(KeyError):
        EncodedPicture(Random(1)).begin(track("MPV"))
