"""Damaged H.265, JPEG and H.264 that is to be decoded. The invariant: nothing raises, and what
comes out is a picture of bounded size whose parts have all come.
"""

from __future__ import annotations

import random

import pytest

from hardware_profiles.room_agent.converting.messages import BrokenMessage, ChildMessages
from hardware_profiles.room_agent.whole.pictures import MOST_PICTURE_BYTES, WholePictures
from mixer.rtp.packet import RtpPacket
from tests.camera_media import ENCODERS, encode_h264, packetise
from tests.fuzz.hardware_profiles.test_hostile_pictures import damaged
from tests.fuzz.rounds import SEED, rounds
from tests.other_media import OWN_TABLES, encode_h265, h265_payloads, jpeg_payloads


def packets(codec: str) -> list[bytes]:
    match codec:
        case "H265":
            pictures = [h265_payloads(units) for units in encode_h265(10, keyframe_every=4)]
        case "JPEG":
            pictures = [jpeg_payloads(n, 80 if n % 2 else OWN_TABLES) for n in range(6)]
        case _:
            coded = encode_h264(ENCODERS["slices"], 0.5, keyframe_every=5)
            return [packet.serialize() for _, packet in packetise(coded, ssrc=7)]
    out: list[bytes] = []
    for place, parts in enumerate(pictures):
        for payload in parts:
            marker = payload is parts[-1]
            packet = RtpPacket(96, len(out), place * 3_600, 7, payload=payload, marker=marker)
            out.append(packet.serialize())
    return out


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("codec", ["H264", "H265", "JPEG"])
def test_whole_pictures_outlive_every_camera(codec: str) -> None:
    rng = random.Random(SEED)
    sent, at, came = packets(codec), 5.0, 0
    parts = WholePictures(codec, 96, (b"\x67abc", rng.randbytes(9)))
    for number in range(rounds(4_000)):
        at += rng.choice((0.001, 0.04, 5.0)) if rng.random() < 0.1 else 0.002
        data = bytearray(sent[number % len(sent)])
        data[2:4] = (number & 0xFFFF).to_bytes(2, "big")
        hurt = damaged(rng, bytes(data)) if rng.random() < 0.05 else bytes(data)
        for picture in parts.packet(hurt, at):
            came += 1
            assert 0 < len(picture.data) <= MOST_PICTURE_BYTES + 70_000
    assert came > 0 and parts.dropped


@pytest.mark.timeout(3600)
def test_what_a_child_says_ends_the_conversation_or_is_a_message() -> None:
    rng = random.Random(SEED)
    for _ in range(rounds(1_000)):
        messages = ChildMessages()
        try:
            for _ in range(3):
                data = rng.randbytes(rng.randrange(60))
                for message in messages.feed(b"\0" * rng.randrange(4) + data):
                    assert len(message.body) < 1 << 23
        except BrokenMessage:
            continue
