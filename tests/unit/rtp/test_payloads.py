"""VP8, H.264 and Opus payloads, by hand from RFC 7741, RFC 6184, RFC 6716, and from encoders."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.rtp import h264, opus, vp8
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.vp8 import Vp8Descriptor

VP8_DESCRIPTORS = {
    "10": Vp8Descriptor(True, 0, size=1),
    "23": Vp8Descriptor(False, 3, non_reference=True, size=1),
    "90 80 11": Vp8Descriptor(True, 0, picture_id=17, picture_id_bits=7, size=3),
    "90 80 9234": Vp8Descriptor(True, 0, picture_id=0x1234, size=4),
    "90 e0 9234 05 60": Vp8Descriptor(
        True, 0, picture_id=0x1234, tl0_picture_index=5, temporal_index=1, layer_sync=True, size=6
    ),
    "90 10 1f": Vp8Descriptor(True, 0, key_index=31, size=3),
    "90 30 df": Vp8Descriptor(True, 0, temporal_index=3, key_index=31, size=3),
}


@pytest.mark.parametrize(("wire", "descriptor"), VP8_DESCRIPTORS.items(), ids=VP8_DESCRIPTORS)
def test_vp8_descriptor(wire: str, descriptor: Vp8Descriptor) -> None:
    data = bytes.fromhex(wire)
    assert Vp8Descriptor.parse(data + b"\x00") == descriptor
    assert descriptor.serialize() == data


@pytest.mark.parametrize("wire", ["", "90", "90 80", "90 80 92", "90 40", "90 20", "90 f0 9234 05"])
def test_vp8_descriptor_cut_off(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        Vp8Descriptor.parse(bytes.fromhex(wire))


@pytest.mark.parametrize(
    "descriptor",
    [
        Vp8Descriptor(True, 8),
        Vp8Descriptor(True, 0, picture_id=128, picture_id_bits=7),
        Vp8Descriptor(True, 0, picture_id=1 << 15),
    ],
)
def test_vp8_values_that_do_not_fit(descriptor: Vp8Descriptor) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        descriptor.serialize()


@pytest.mark.parametrize(
    ("wire", "key", "size"),
    [
        ("10 50 00 00 9d012a 8002 6801", True, (640, 360)),
        ("10 50 00 00 9d012a 8042 6881", True, (640, 360)),  # scaling hints are not size
        ("10 50 00 00 9d012b 8002 6801", True, None),
        ("10 51 00 00", False, None),
        ("00 50 00 00", False, None),  # not the start of the frame
        ("11 50 00 00", False, None),  # not the first partition
    ],
)
def test_vp8_keyframes(wire: str, key: bool, size: tuple[int, int] | None) -> None:
    payload = bytes.fromhex(wire)
    assert vp8.starts_keyframe(payload) is key
    assert vp8.keyframe_size(payload) == size


def test_vp8_descriptor_alone_is_malformed() -> None:
    with pytest.raises(MalformedPacketError):
        vp8.starts_keyframe(b"\x10")


SPS = bytes.fromhex("67 42 c0 1f")
PPS = bytes.fromhex("68 ce 3c 80")


def test_h264_single_unit() -> None:
    (part,) = h264.split(b"\x65\x88\x84")
    assert part == h264.NalPart(h264.NAL_IDR, b"\x65\x88\x84")
    assert h264.starts_keyframe(b"\x65\x88\x84")
    assert not h264.starts_keyframe(b"\x41\x9a")


def test_h264_aggregate_of_parameter_sets() -> None:
    payload = b"\x18" + b"\x00\x04" + SPS + b"\x00\x04" + PPS
    assert [part.type for part in h264.split(payload)] == [h264.NAL_SPS, h264.NAL_PPS]
    assert h264.starts_keyframe(payload)
    sets = h264.ParameterSets().updated(payload)
    assert (sets.sps, sets.pps) == (SPS, PPS)
    assert sets.updated(b"\x41\x9a") is sets


def test_h264_aggregate_that_begins_with_an_extension() -> None:
    """RFC 6190 §4.9: a PACSI unit comes first; to who does not know it, it is none."""
    pacsi, idr = b"\x7e\x80\x00\x07", b"\x65\x88\x84"
    payload = b"\x78" + b"".join(len(u).to_bytes(2, "big") + u for u in (pacsi, SPS, PPS, idr))
    assert [part.data for part in h264.split(payload)] == [SPS, PPS, idr]
    assert h264.split(b"\x78\x00\x04" + pacsi) == ()


def test_h264_fragments() -> None:
    first, middle, last = b"\x7c\x85\x01", b"\x7c\x05\x02", b"\x7c\x45\x03"
    assert h264.split(first) == (h264.NalPart(5, b"\x65\x01", start=True, end=False),)
    assert h264.split(middle) == (h264.NalPart(5, b"\x02", start=False, end=False),)
    assert h264.split(last) == (h264.NalPart(5, b"\x03", start=False, end=True),)
    assert h264.starts_keyframe(first)
    assert not h264.starts_keyframe(middle)
    assert h264.ParameterSets().updated(b"\x7c\x87\x42").sps is None  # a part is no set


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "00",  # type 0
        "19 0000",  # STAP-B
        "1d 0000 00",  # FU-B
        "18",  # empty STAP-A
        "18 00",
        "18 0003 6742",  # shorter than it says
        "18 0000",
        "18 0001 1c",  # an aggregate of fragments
        "7c 85",  # FU-A without data
        "7c c5 00",  # start and end at once
        "7c 80 00",  # fragment of type 0
        "7c 9c 00",  # fragment of a fragment
    ],
)
def test_h264_malformed(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        h264.split(bytes.fromhex(wire))


def encoded_sps(profile: str, width: int, height: int, pixels: str = "yuv420p") -> bytes:
    """The SPS that libx264 writes for a picture of this size."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, pixels
    codec.time_base = Fraction(1, 25)
    codec.options = {"preset": "ultrafast", "profile": profile, "tune": "zerolatency"}
    frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
    frame = frame.reformat(format=pixels)
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    for unit in data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01"):
        if unit and unit[0] & 0x1F == h264.NAL_SPS:
            return unit
    raise AssertionError("no SPS")


@pytest.mark.parametrize(
    ("profile", "width", "height", "pixels"),
    [
        ("baseline", 320, 180, "yuv420p"),
        ("baseline", 640, 360, "yuv420p"),
        ("main", 1280, 720, "yuv420p"),
        ("high", 1920, 1080, "yuv420p"),
        ("high", 854, 478, "yuv420p"),
        ("high422", 854, 478, "yuv422p"),
        ("high444", 101, 77, "yuv444p"),
    ],
)
def test_h264_size_of_real_parameter_sets(
    profile: str, width: int, height: int, pixels: str
) -> None:
    sps = encoded_sps(profile, width, height, pixels)
    assert h264.sps_size(sps) == (width, height)
    for length in range(4, len(sps)):
        try:
            h264.sps_size(sps[:length])
        except MalformedPacketError:
            continue
        # The size stands before what follows it (VUI); a cut there does not hurt.
        assert h264.sps_size(sps[:length]) == (width, height)


@pytest.mark.parametrize("wire", ["", "68 ce 3c 80", "67 42 c0", "67 42 c0 1f" + "00" * 9])
def test_h264_broken_parameter_sets(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        h264.sps_size(bytes.fromhex(wire))


@pytest.mark.parametrize(
    ("wire", "samples", "stereo"),
    [
        ("78 00 00", 960, False),  # CELT 20 ms, one frame: what browsers send
        ("fc 00 00", 960, True),
        ("79 00 00", 1920, False),  # two frames
        ("03 03", 1440, False),  # SILK 10 ms, three frames
        ("08", 960, False),  # DTX
        ("18 00", 2880, False),  # SILK 60 ms
        ("60 00", 480, False),  # hybrid 10 ms
        ("80 00", 120, False),  # CELT 2.5 ms
        ("83 30", 5760, False),  # 48 of them: the most
    ],
)
def test_opus(wire: str, samples: int, stereo: bool) -> None:
    packet = opus.OpusPacket.parse(bytes.fromhex(wire))
    assert (packet.samples, packet.stereo) == (samples, stereo)


@pytest.mark.parametrize("wire", ["", "03", "03 00", "83 31", "1b 03"])
def test_opus_malformed(wire: str) -> None:
    with pytest.raises(MalformedPacketError):
        opus.OpusPacket.parse(bytes.fromhex(wire))


def test_opus_silence() -> None:
    assert opus.is_silence(b"\x08")
    assert not opus.is_silence(bytes(40))


@given(st.binary(max_size=60))
def test_fragments_of_any_unit_join_to_the_unit(body: bytes) -> None:
    unit = b"\x65" + body + b"\x80\x80"
    fragments = [unit[1:2], unit[2:-1], unit[-1:]]
    fragments = [part for part in fragments if part]
    payloads = [
        b"\x7c" + bytes([0x80 * (i == 0) | 0x40 * (i == len(fragments) - 1) | 5]) + part
        for i, part in enumerate(fragments)
    ]
    assert b"".join(h264.split(payload)[0].data for payload in payloads) == unit


@pytest.mark.parametrize(
    ("value", "units"),
    [
        ("Z0IAH5,aM48gA==", ["68ce3c80"]),  # the first is cut off
        ("Z0IAHw==,aM48gA==", ["6742001f", "68ce3c80"]),
        (" Z0IAHw== , aM48gA== ", ["6742001f", "68ce3c80"]),
        ("ZYiEAA==", []),  # a slice
        ("!!,,", []),
        ("", []),
    ],
)
def test_parameter_sets_of_a_description(value: str, units: list[str]) -> None:
    assert h264.sprop_parameter_sets(value) == tuple(map(bytes.fromhex, units))


def test_aggregated_units_are_split_again() -> None:
    units = (b"\x67\x42\x00\x1f", b"\x68\xce")
    assert tuple(part.data for part in h264.split(h264.aggregate(units))) == units
    assert h264.aggregate(()) == b""
