"""Packets put together to whole pictures: H.264, H.265 and JPEG, decoded by FFmpeg to the end."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import av
import pytest

from hardware_profiles.room_agent.sources.rtsp.description import read_description
from hardware_profiles.room_agent.whole import h265, jpeg
from hardware_profiles.room_agent.whole.pictures import WholePicture, WholePictures
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import RtpPacket
from tests.camera_media import ENCODERS, encode_h264, packetise, parameter_sets, without_sets
from tests.other_media import H265, encode_h265, h265_payloads, jpeg_payloads
from tests.recorded_media import FRAME_RATE, nal_units, read_counter

SSRC = 7


def packets(pictures: Iterable[list[bytes]], *, first: int = 65_530) -> list[bytes]:
    """Each picture's payloads as RTP, 25 pictures a second."""
    out: list[bytes] = []
    for place, payloads in enumerate(pictures):
        for number, payload in enumerate(payloads):
            packet = RtpPacket(
                96,
                (first + len(out)) & 0xFFFF,
                place * 3_600,
                SSRC,
                payload=payload,
                marker=number == len(payloads) - 1,
            )
            out.append(packet.serialize())
    return out


def whole(parts: WholePictures, data: Iterable[bytes]) -> list[WholePicture]:
    return [picture for one in data for picture in parts.packet(one, 5.0)]


def counters(codec: str, pictures: Iterable[WholePicture]) -> list[int]:
    decoder: Any = av.CodecContext.create(codec, "r")
    frames = [frame for one in pictures for frame in decoder.decode(av.Packet(one.data))]
    return [
        read_counter(frame.to_ndarray(format="rgb24")) for frame in frames + decoder.decode(None)
    ]


@pytest.fixture(scope="module")
def h265_pictures() -> list[list[bytes]]:
    return encode_h265(20, keyframe_every=8)


def test_h265_comes_whole(h265_pictures: list[list[bytes]]) -> None:
    sent = packets(h265_payloads(units) for units in h265_pictures)
    got = whole(WholePictures("H265", 96, ()), sent)
    assert [one.timestamp for one in got] == [3_600 * n for n in range(20)]
    assert [n for n, one in enumerate(got) if one.keyframe] == [0, 8, 16]
    assert counters("hevc", got) == list(range(20))


def test_h265_with_sets_in_the_description_alone(h265_pictures: list[list[bytes]]) -> None:
    sets = [unit for unit in h265_pictures[0] if unit[0] >> 1 in H265.sets]
    names = ("sprop-vps", "sprop-sps", "sprop-pps")
    fmtp = ";".join(
        f"{name}={base64.b64encode(unit).decode()}" for name, unit in zip(names, sets, strict=True)
    )
    sdp = f"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 {fmtp}\r\n"
    track = read_description(sdp.encode(), "rtsp://10.0.0.5/main").tracks[0]
    assert (track.codec, track.parameter_sets) == ("H265", tuple(sets))
    bare = [[unit for unit in units if unit not in sets] for units in h265_pictures]
    parts = WholePictures("H265", 96, track.parameter_sets)
    assert counters("hevc", whole(parts, packets(map(h265_payloads, bare)))) == list(range(20))


def test_after_a_loss_it_waits_for_what_can_be_decoded(h265_pictures: list[list[bytes]]) -> None:
    sent = packets(h265_payloads(units) for units in h265_pictures)
    cut = [data for data in sent if RtpPacket.parse(data).timestamp != 3 * 3_600]
    parts = WholePictures("H265", 96, ())
    got = whole(parts, cut)
    assert [one.timestamp // 3_600 for one in got] == [0, 1, 2, *range(8, 20)]
    assert parts.lost and parts.dropped["waits for a keyframe"] == 3  # one more has the hole
    assert counters("hevc", got) == [0, 1, 2, *range(8, 20)]


def test_a_keyframe_after_a_lost_picture_is_whole(h265_pictures: list[list[bytes]]) -> None:
    sent = packets(h265_payloads(units) for units in h265_pictures)
    cut = [data for data in sent if RtpPacket.parse(data).timestamp != 7 * 3_600]
    got = whole(WholePictures("H265", 96, ()), cut)
    assert [one.timestamp // 3_600 for one in got] == [*range(7), *range(8, 20)]


def test_a_lost_end_spoils_its_own_picture_and_no_older_one(
    h265_pictures: list[list[bytes]],
) -> None:
    sent = packets(h265_payloads(units) for units in h265_pictures)
    ends = [n for n, data in enumerate(sent) if RtpPacket.parse(data).marker]
    got = whole(WholePictures("H265", 96, ()), sent[: ends[9]] + sent[ends[9] + 1 :])
    assert [one.timestamp // 3_600 for one in got] == [*range(9), *range(16, 20)]


@pytest.mark.parametrize("quality", [30, 80, 255])
def test_jpeg_comes_whole(quality: int) -> None:
    """With the usual tables by their number, and with tables of its own."""
    sent = packets(jpeg_payloads(number, quality) for number in range(5))
    got = whole(WholePictures("JPEG", 96, ()), sent)
    assert len(got) == 5 and all(one.keyframe for one in got)
    assert counters("mjpeg", got) == list(range(5))


def test_a_lost_packet_of_jpeg_costs_one_picture() -> None:
    sent = packets(jpeg_payloads(number, 80) for number in range(5))
    middle = next(n for n, data in enumerate(sent) if RtpPacket.parse(data).timestamp == 7_200) + 1
    got = whole(WholePictures("JPEG", 96, ()), sent[:middle] + sent[middle + 1 :])
    assert counters("mjpeg", got) == [0, 1, 3, 4]


def test_h264_gets_its_sets_where_they_were_told_once() -> None:
    pictures = encode_h264(ENCODERS["main"], 1, keyframe_every=10)
    sent = [packet.serialize() for _, packet in packetise(without_sets(pictures), ssrc=SSRC)]
    got = whole(WholePictures("H264", 96, parameter_sets(pictures)), sent)
    assert counters("h264", got) == list(range(FRAME_RATE))
    assert [unit[0] & 0x1F for unit in nal_units(got[10].data)][:2] == [7, 8]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x02",
        b"\x60\x01\x00\x05ab",  # an aggregate whose length lies
        b"\x62\x01\xc1x",  # a fragment that is begin and end
        b"\x62\x01\x80",
        b"\x64\x01abc",  # PACI
    ],
)
def test_payloads_that_are_no_h265(payload: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        h265.split(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes(8),
        bytes((0, 0, 0, 0, 1, 80, 0, 30)) + b"x",  # no width
        bytes((0, 0, 0, 0, 2, 80, 40, 30)) + b"x",  # a kind that nobody has defined
        bytes((0, 0, 0, 0, 1, 255, 40, 30)) + bytes((0, 0, 0, 128)) + b"x",  # tables cut off
        bytes((0, 0, 0, 0, 65, 80, 40, 30)) + b"x",  # restart header cut off
    ],
)
def test_payloads_that_are_no_jpeg(payload: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        jpeg.read(payload)
