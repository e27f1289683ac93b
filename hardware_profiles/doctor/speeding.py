"""The child that measures: how many pixels a second one core of this machine encodes and decodes.

720p pictures that move as a camera's do, by the encoder and decoder that the room agent uses. One
line of JSON, and it ends.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from av.video.frame import VideoFrame

from hardware_profiles.room_agent.converting.decoder import CLOCK_RATE, CameraDecoder
from hardware_profiles.room_agent.converting.encoder import BaselineEncoder
from hardware_profiles.room_agent.converting.messages import PictureMessage
from hardware_profiles.room_agent.converting.target import Target

_WIDTH, _HEIGHT, _FRAME_RATE = 1280, 720, 25
# A quick machine takes 3 ms a picture, an old one 40: long enough for thirty of the latter.
_FOR_S = 1.2
_PICTURES = 8


def main() -> int:
    pictures = _pictures()
    encoded, encode_s = _encode(pictures)
    decoded, decode_s = _decode(encoded)
    pixels = _WIDTH * _HEIGHT
    told = {
        "encode_pixels_per_s": pixels * len(encoded) / encode_s,
        "decode_pixels_per_s": pixels * decoded / decode_s,
    }
    sys.stdout.write(json.dumps(told))
    return 0


def _encode(pictures: list[VideoFrame]) -> tuple[list[PictureMessage], float]:
    encoder = BaselineEncoder(Target(_WIDTH, _HEIGHT, _FRAME_RATE, 1_700_000))
    encoded: list[PictureMessage] = []
    began, number = time.perf_counter(), 0
    while time.perf_counter() - began < _FOR_S:
        frame = pictures[number % len(pictures)]
        frame.pts = number * CLOCK_RATE // _FRAME_RATE
        encoded += encoder.encode(frame)
        number += 1
    return encoded, time.perf_counter() - began


def _decode(encoded: list[PictureMessage]) -> tuple[int, float]:
    """Not longer than encoding took, for it is several times as quick."""
    decoder = CameraDecoder("H264")
    began, decoded = time.perf_counter(), 0
    for picture in encoded:
        decoded += len(decoder.decode(picture.data, picture.timestamp))
    return decoded, max(1e-6, time.perf_counter() - began)


def _pictures() -> list[VideoFrame]:
    """A room with a gradient and edges, seen from a camera that pans, with a sensor's noise."""
    noise = np.random.default_rng(1)
    rows, columns = np.mgrid[0:_HEIGHT, 0 : _WIDTH + 8 * _PICTURES]
    wide = 96 + 48 * np.sin(columns / 37) + 48 * ((rows // 40 + columns // 60) % 2)
    made = []
    for number in range(_PICTURES):
        seen = wide[:, 8 * number : 8 * number + _WIDTH]
        grey = (seen + noise.normal(0, 3, seen.shape)).clip(0, 255).astype(np.uint8)
        made.append(VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p"))
    return made


if __name__ == "__main__":
    sys.exit(main())
