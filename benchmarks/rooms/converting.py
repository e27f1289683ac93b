"""What it costs to decode a 1080p picture and encode it again, by what the camera sends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from benchmarks.compositors.classroom import pictures
from hardware_profiles.room_agent.converting.conversion import Conversion
from hardware_profiles.room_agent.converting.messages import (
    ChildMessage,
    MessageKind,
    PictureMessage,
)
from hardware_profiles.room_agent.converting.target import Target

WIDTH, HEIGHT, FRAMES_PER_S, BITRATE_BPS = 1920, 1080, 25, 4_000_000
_PICTURES = 75
_X265 = "bframes=0:log-level=none:pools=1:frame-threads=1:repeat-headers=1"
# As the camera sends it: encoder, pixels, options, and the codec's name in a description.
CAMERAS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "H.265": (
        "libx265",
        "yuv420p",
        {"preset": "ultrafast", "tune": "zerolatency", "x265-params": _X265},
        "H265",
    ),
    "JPEG": ("mjpeg", "yuvj420p", {"qmin": "4", "qmax": "4", "huffman": "default"}, "JPEG"),
    "B-frames": (
        "libx264",
        "yuv420p",
        {"preset": "superfast", "x264-params": "bframes=2:b-adapt=0:rc-lookahead=3"},
        "H264",
    ),
}


def core_of(camera: str) -> float:
    """The share of one core that a camera of this kind takes at 25 pictures a second."""
    codec = CAMERAS[camera][3]
    conversion = Conversion(codec, Target(WIDTH, HEIGHT, FRAMES_PER_S, BITRATE_BPS))
    coded = [
        PictureMessage(number * 90_000 // FRAMES_PER_S, data, keyframe=number == 0).body()
        for number, data in enumerate(_coded(camera))
    ]
    spent = time.process_time()
    for body in coded:
        conversion.take(ChildMessage(MessageKind.CODED, body))
    return (time.process_time() - spent) / len(coded) * FRAMES_PER_S


def _coded(camera: str) -> Iterator[bytes]:
    name, pixels, options, _ = CAMERAS[camera]
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, pixels
    context.framerate, context.time_base = Fraction(FRAMES_PER_S), Fraction(1, FRAMES_PER_S)
    context.bit_rate = BITRATE_BPS
    context.options = options
    for number, picture in enumerate(pictures(WIDTH, HEIGHT, 1, still=False)):
        if number == _PICTURES:
            break
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        for packet in context.encode(frame.reformat(format=pixels)):
            yield bytes(packet)
    for packet in context.encode(None):
        yield bytes(packet)
