"""H.264 as cameras and hardware encoders make it: other profiles, slices, delimiters, messages,
parameter sets only once or only in the description, B-frames, interlaced pictures.

Encoded by x264 with a counted picture, packetised by RFC 6184 §5 (mode 1).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from mixer.rtp.packet import RtpPacket
from tests.recorded_media import FRAME_RATE, counter_picture, nal_units, read_counter

MTU = 1100
CLOCK_RATE = 90_000
SPS, PPS = 7, 8

# Each as options of x264, beside `-tune zerolatency -preset ultrafast`.
ENCODERS: dict[str, Mapping[str, str]] = {
    "baseline": {"profile": "baseline"},
    "main": {"profile": "main", "x264-params": "cabac=1:weightp=1"},
    "high": {"profile": "high", "x264-params": "cabac=1:8x8dct=1:partitions=all"},
    "slices": {"profile": "main", "x264-params": "cabac=1:slices=4"},
    "delimiters": {"profile": "high", "x264-params": "cabac=1:aud=1"},
    "messages": {
        "profile": "high",
        "x264-params": "aud=1:nal-hrd=vbr:vbv-maxrate=400:vbv-bufsize=400:pic-struct=1",
    },
    "level-5": {"profile": "high", "x264-params": "level=5.0"},
    "interlaced": {"profile": "main", "x264-params": "interlaced=1"},
}
B_FRAMES = {"profile": "main", "tune": "psnr", "x264-params": "bframes=3:b-adapt=0:rc-lookahead=8"}


@dataclass(frozen=True)
class AccessUnit:
    """One coded picture in coding order; `time` is when it is shown, in seconds."""

    time: float
    units: tuple[bytes, ...]
    keyframe: bool

    @property
    def types(self) -> tuple[int, ...]:
        return tuple(unit[0] & 0x1F for unit in self.units)


def encode_h264(
    options: Mapping[str, str],
    seconds: float,
    *,
    width: int = 320,
    height: int = 240,
    keyframe_every: int = 25,
    first: int = 0,
    pixels: str = "yuv420p",
) -> list[AccessUnit]:
    """Counted pictures; parameter sets stand before every keyframe."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.time_base, context.framerate = Fraction(1, CLOCK_RATE), Fraction(FRAME_RATE)
    context.bit_rate = 400_000
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "g": str(keyframe_every),
        "threads": "1",
        **options,
    }
    out: list[AccessUnit] = []
    for number in range(first, first + round(seconds * FRAME_RATE)):
        frame = av.VideoFrame.from_ndarray(counter_picture(number, width, height), format="rgb24")
        frame.pts = round((number - first) * CLOCK_RATE / FRAME_RATE)
        frame.time_base = Fraction(1, CLOCK_RATE)
        out += _access_units(context.encode(frame))
    return out + _access_units(context.encode(None))


def _access_units(packets: list[av.Packet[Any]]) -> list[AccessUnit]:
    return [
        AccessUnit(
            float(packet.pts * packet.time_base),
            tuple(nal_units(bytes(packet))),
            bool(packet.is_keyframe),
        )
        for packet in packets
        if packet.pts is not None and packet.time_base is not None
    ]


def parameter_sets(pictures: list[AccessUnit]) -> tuple[bytes, ...]:
    """Those of the first keyframe."""
    return tuple(unit for unit in pictures[0].units if unit[0] & 0x1F in (SPS, PPS))


def sprop(pictures: list[AccessUnit]) -> str:
    """The same as a description has them (RFC 6184 §8.1)."""
    return ",".join(base64.b64encode(unit).decode() for unit in parameter_sets(pictures))


def without_sets(pictures: list[AccessUnit], *, but_first: bool = False) -> list[AccessUnit]:
    """As from an encoder that sends its parameter sets never, or only at its beginning."""
    return [
        picture
        if but_first and place == 0
        else AccessUnit(
            picture.time,
            tuple(unit for unit in picture.units if unit[0] & 0x1F not in (SPS, PPS)),
            picture.keyframe,
        )
        for place, picture in enumerate(pictures)
    ]


def packetise(
    pictures: list[AccessUnit],
    *,
    ssrc: int,
    payload_type: int = 96,
    first_sequence: int = 65_500,
    first_timestamp: int = 0xFFFF_F000,
) -> list[tuple[AccessUnit, RtpPacket]]:
    """Every packet, in order, with the picture it belongs to."""
    out: list[tuple[AccessUnit, RtpPacket]] = []
    for picture in pictures:
        payloads = [payload for unit in picture.units for payload in payloads_of(unit)]
        for place, payload in enumerate(payloads):
            packet = RtpPacket(
                payload_type=payload_type,
                sequence_number=(first_sequence + len(out)) & 0xFFFF,
                timestamp=(first_timestamp + round(picture.time * CLOCK_RATE)) & 0xFFFF_FFFF,
                ssrc=ssrc,
                payload=payload,
                marker=place == len(payloads) - 1,
            )
            out.append((picture, packet))
    return out


def payloads_of(unit: bytes) -> Iterator[bytes]:
    """A NAL unit alone, or in fragments (FU-A)."""
    if len(unit) <= MTU:
        yield unit
        return
    body, kind, most = unit[1:], unit[0] & 0x1F, MTU - 2
    for at in range(0, len(body), most):
        flags = (0x80 if at == 0 else 0) | (0x40 if at + most >= len(body) else 0)
        yield bytes([(unit[0] & 0xE0) | 28, flags | kind]) + body[at : at + most]


class Viewer:
    """A decoder that begins with nothing: FFmpeg's, fed with what aiortc makes of the packets."""

    def __init__(self) -> None:
        from aiortc.codecs import depayload  # noqa: PLC0415 - for a viewer alone
        from aiortc.rtcrtpparameters import RTCRtpCodecParameters  # noqa: PLC0415 - too

        self._depayload = depayload
        self._codec = RTCRtpCodecParameters("video/H264", CLOCK_RATE, payloadType=96)
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.options = {"flags": "low_delay"}
        self._collected = b""
        self.counters: list[int] = []
        self.types: list[tuple[int, ...]] = []  # NAL unit types of each picture as it came

    def take(self, packet: RtpPacket) -> None:
        """The next packet in order; a marker ends its picture, which is decoded."""
        self._collected += self._depayload(self._codec, packet.payload)
        if not packet.marker:
            return
        self.types.append(tuple(unit[0] & 0x1F for unit in nal_units(self._collected)))
        try:
            frames = self._decoder.decode(av.Packet(self._collected))
        except av.error.InvalidDataError:
            frames = []  # nothing to begin with
        self._collected = b""
        self.counters += [read_counter(frame.to_ndarray(format="rgb24")) for frame in frames]
