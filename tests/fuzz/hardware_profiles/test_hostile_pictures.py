"""A camera's packets, damaged. The invariant: nothing raises, nothing goes out that is larger
than a packet may be, timestamps go back no further than one picture may be late, and what is kept
of a group stays within its bounds.
"""

from __future__ import annotations

import random

import pytest

from hardware_profiles.room_agent.passing.clock import CLOCK_RATE, MOST_EARLY_S, MOST_LATE_S
from hardware_profiles.room_agent.passing.group import MOST_BYTES, MOST_PACKETS
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.passing.pieces import MOST_PAYLOAD_BYTES
from mixer.rtp import h264
from mixer.rtp.rtcp import Goodbye, SenderReport, serialize_compound
from mixer.rtp.sequence import timestamp_distance
from tests.camera_media import ENCODERS, encode_h264, packetise
from tests.fuzz.rounds import SEED, rounds

MOST_TICKS = round((MOST_LATE_S + MOST_EARLY_S) * CLOCK_RATE)


def damaged(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    match rng.randrange(5):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + rng.randbytes(1) + data[at + 1 :]
        case 2:
            return data[:12] + rng.randbytes(rng.randrange(1, 5)) + data[16:]
        case 3:
            return data + bytes(rng.randrange(4_000))
        case _:
            return rng.randbytes(rng.randrange(40))


@pytest.mark.timeout(3600)
def test_a_path_outlives_every_camera() -> None:
    rng = random.Random(SEED)
    pictures = encode_h264(ENCODERS["slices"], 1, keyframe_every=5)
    packets = [packet.serialize() for _, packet in packetise(pictures, ssrc=7)]
    reports = [
        serialize_compound([SenderReport(7, 1 << 63, 5, 0, 0), Goodbye((7,))]),
        serialize_compound([SenderReport(7, 0, 0xFFFF_FFFF, 0, 0)]),
    ]
    path, at, passed = CameraPath(0xFFFF_FF00), 5.0, 0
    newest: int | None = None
    for number in range(rounds(20_000)):
        at += rng.choice((0.0, 0.001, 0.04, 5.0)) if rng.random() < 0.1 else 0.002
        if number % 500 == 0:
            sets = [b"\x67" + rng.randbytes(9), h264.aggregate([b"\x67a", b"\x68b"]), b""]
            path.begin(96, (rng.choice(sets),))
        data = packets[number % len(packets)]
        if rng.random() < 0.1:
            report = rng.choice(reports)
            path.control(damaged(rng, report) if rng.random() < 0.5 else report, at, 1e9 + at)
        for one in path.packet(damaged(rng, data) if rng.random() < 0.2 else data, at):
            assert 0 < len(one.payload) <= MOST_PAYLOAD_BYTES
            assert newest is None or timestamp_distance(one.timestamp, newest) > -MOST_TICKS
            newest = one.timestamp
            passed += 1
        assert path.group.size <= MOST_BYTES
        assert len(path.group.packets) <= MOST_PACKETS
        timestamp, _ = path.clock.captured(at, 1e9 + at)
        assert 0 <= timestamp < 1 << 32
    assert passed > number // 8
