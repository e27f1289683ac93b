"""Frames from payloads: whole ones exactly as encoded, broken ones never, hostile ones refused."""

from __future__ import annotations

import base64
import random

import pytest

from mixer.reading.errors import PayloadError
from mixer.reading.frames import Frame, FrameAssembler, H264Frames, Vp8Frames, assembler_for
from mixer.reading.reorder import Arrived
from mixer.rtp.packet import RtpPacket
from tests.recorded_media import (
    SOUND,
    VIDEO,
    Encoded,
    encode_sound,
    encode_video,
    nal_units,
    packetise,
)


def arrivals(codec: str, frames: list[Encoded]) -> list[RtpPacket]:
    stream = SOUND if codec == "opus" else VIDEO[codec]
    return [RtpPacket.parse(data) for _, data in packetise(stream, frames)]


def feed(assembler: FrameAssembler, packets: list[RtpPacket], lost: set[int]) -> list[Frame]:
    """Push all packets but the lost ones."""
    out: list[Frame] = []
    missing = 0
    for index, packet in enumerate(packets):
        if index in lost:
            missing += 1
            continue
        try:
            out += assembler.push(Arrived(packet, missing), packet.timestamp)
        except PayloadError:
            continue
        finally:
            missing = 0
    return out


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_pictures_come_back_as_they_were_encoded(codec: str) -> None:
    frames = encode_video(codec, 1.0, width=640, height=480, keyframe_every=10)
    out = feed(assembler_for(codec), arrivals(codec, frames), set())
    assert [f.keyframe for f in out] == [f.keyframe for f in frames]
    assert {(f.width, f.height) for f in out if f.keyframe} == {(640, 480)}
    for got, sent in zip(out, frames, strict=True):
        same = (
            got.data == sent.data if codec == "VP8" else nal_units(got.data) == nal_units(sent.data)
        )
        assert same


def test_sound_comes_back_with_its_length() -> None:
    frames = encode_sound(0.5, beeps=(0.1,))
    out = feed(assembler_for("opus"), arrivals("opus", frames), set())
    assert [f.data for f in out] == [f.data for f in frames]
    assert {f.duration for f in out} == {960}


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_after_any_loss_nothing_comes_before_the_next_keyframe(codec: str) -> None:
    frames = encode_video(codec, 1.2, width=640, height=480, keyframe_every=10)
    packets = arrivals(codec, frames)
    times = [VIDEO[codec].timestamp(f.time) for f in frames]
    keys = [index for index, f in enumerate(frames) if f.keyframe]
    for lost in range(len(packets)):
        broken = times.index(packets[lost].timestamp)
        resumed = min((k for k in keys if k > broken), default=len(frames))
        out = feed(assembler_for(codec), packets, {lost})
        got = {times.index(f.rtp) for f in out}
        assert got >= set(range(broken)) | set(range(resumed, len(frames))), lost
        if broken in got:
            # A keyframe is whole without what is told about it (SEI) or was told before (sets).
            assert codec == "H264"
            assert broken in keys
            assert packets[lost].payload[0] & 0x1F in (6, 24)
        else:
            assert got.isdisjoint(range(broken, resumed)), lost


def test_a_missing_marker_ends_with_the_next_timestamp() -> None:
    frames = encode_video("VP8", 0.2)
    packets = [
        RtpPacket.parse(data.replace(data[1:2], bytes([data[1] & 0x7F]), 1))
        for _, data in packetise(VIDEO["VP8"], frames)
    ]
    out = feed(Vp8Frames(), packets, set())
    assert [f.data for f in out] == [f.data for f in frames[:-1]]


def test_a_keyframe_carries_parameter_sets_that_came_earlier() -> None:
    frame = encode_video("H264", 0.04)[0]
    units = nal_units(frame.data)
    sets = [u for u in units if u[0] & 0x1F in (7, 8)]
    picture = [u for u in units if u[0] & 0x1F == 5]
    assembler = H264Frames()
    numbers = iter(range(100))

    def packet(payload: bytes, timestamp: int, *, marker: bool) -> Arrived:
        return Arrived(
            RtpPacket(102, next(numbers), timestamp, 1, payload=payload, marker=marker), 0
        )

    out: list[Frame] = []
    for unit in sets:
        out += assembler.push(packet(unit, 1000, marker=True), 1000)
    assert out == []
    for index, unit in enumerate(picture):
        out += assembler.push(packet(unit, 4000, marker=index == len(picture) - 1), 4000)
    # Who marks each of its sets is believed no marker: the next picture ends this one.
    out += assembler.push(packet(b"\x09\xf0", 7000, marker=False), 7000)
    assert [f.keyframe for f in out] == [True]
    assert nal_units(out[0].data) == sets + picture


def test_parameter_sets_may_come_in_the_session_description() -> None:
    frame = encode_video("H264", 0.04)[0]
    units = nal_units(frame.data)
    sets = [u for u in units if u[0] & 0x1F in (7, 8)]
    picture = next(u for u in units if u[0] & 0x1F == 5)
    sprop = ",".join(base64.b64encode(u).decode() for u in sets)
    packet = RtpPacket(102, 1, 0, 1, payload=picture, marker=True)
    without = H264Frames("packetization-mode=1").push(Arrived(packet, 0), 0)
    told = H264Frames(f"packetization-mode=1; sprop-parameter-sets={sprop}")
    assert without == []
    assert [f.width for f in told.push(Arrived(packet, 0), 0)] == [320]


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        ("VP8", b"\x90"),
        ("VP8", b"\x90\x80\x80"),
        ("H264", b"\x1d"),
        ("H264", b"\x78\x00\xff\x01"),
        ("H264", b"\x7c\xc5\x00"),
        ("opus", b"\x03"),
    ],
)
def test_hostile_payloads_are_refused(codec: str, payload: bytes) -> None:
    packet = RtpPacket(96, 1, 0, 1, payload=payload, marker=True)
    with pytest.raises(PayloadError):
        assembler_for(codec).push(Arrived(packet, 0), 0)


def test_hostile_payloads_of_any_kind_raise_nothing_else() -> None:
    """Random payloads give frames or `PayloadError`, never anything else."""
    rng = random.Random(3)
    for codec in ("VP8", "H264", "opus"):
        assembler = assembler_for(codec)
        for number in range(20_000):
            payload = rng.randbytes(rng.choice((0, 1, 2, 3, 5, 20, 60)))
            packet = RtpPacket(
                96, number & 0xFFFF, number // 3, 1, payload=payload, marker=rng.random() < 0.3
            )
            try:
                assembler.push(Arrived(packet, int(rng.random() < 0.05)), number // 3)
            except PayloadError:
                continue


def test_a_frame_that_never_ends_is_given_up() -> None:
    assembler = Vp8Frames()
    first = RtpPacket(96, 0, 0, 1, payload=b"\x10" + bytes(60_000))
    rest = RtpPacket(96, 1, 0, 1, payload=b"\x00" + bytes(60_000))
    assembler.push(Arrived(first, 0), 0)
    with pytest.raises(PayloadError):
        for _ in range(100):
            assembler.push(Arrived(rest, 0), 0)


def test_other_codecs_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="VP9"):
        assembler_for("VP9")
