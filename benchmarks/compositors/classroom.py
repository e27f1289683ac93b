"""The sources: pictures as a classroom's camera gives them, encoded once.

A room that stands still, a person who moves in a part of it, the sensor's noise. Noise all over
would measure the encoder's worst case and nothing else; a still picture would measure nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np

from mixer.rtp.h264_payloads import MOST_PAYLOAD_BYTES, payloads
from mixer.rtp.packet import RtpPacket

SECONDS = 5
STILL_SECONDS = 60  # longer than a run: where a loop begins anew, a still picture would move
FRAMES_PER_S = 30
CLOCK_RATE = 90_000
PAYLOAD_TYPE = 102
_NOISE = 1.0  # of 255: a webcam by daylight


@dataclass(frozen=True, slots=True)
class Clip:
    """Some seconds that begin with a keyframe, as RTP packets of each frame; to be sent in a loop.

    Sequence numbers and timestamps begin with 0.
    """

    ssrc: int
    width: int
    height: int
    frames: tuple[tuple[bytes, ...], ...]
    packets: int
    stream: bytes  # the same in H.264's own form (annex B)


def clip(
    width: int,
    height: int,
    *,
    seed: int,
    bitrate_bps: int,
    still: bool = False,
    most_bytes: int = MOST_PAYLOAD_BYTES,
) -> Clip:
    """One source's; each seed another room. `still`: nobody is there, and no noise."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(FRAMES_PER_S), Fraction(1, CLOCK_RATE)
    context.gop_size = 1 << 30
    context.options = {"preset": "superfast", "tune": "zerolatency", "profile": "baseline"}
    if still:
        context.options |= {"crf": "24"}  # a mean rate would spend itself on refining for ever
    else:
        context.bit_rate = bitrate_bps
    ssrc, number, frames = 0x7000_0000 + seed, 0, []
    stream = b""
    for place, picture in enumerate(pictures(width, height, seed, still=still)):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = place * CLOCK_RATE // FRAMES_PER_S
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        stream += data
        parts = payloads(data, most_bytes)
        packets = []
        for part in parts:
            packet = RtpPacket(
                PAYLOAD_TYPE, number, frame.pts, ssrc, part, marker=part is parts[-1]
            )
            packets.append(packet.serialize())
            number += 1
        frames.append(tuple(packets))
    return Clip(ssrc, width, height, tuple(frames), number, stream)


def pictures(width: int, height: int, seed: int, *, still: bool) -> Iterator[Any]:
    rng = np.random.default_rng(seed)
    room = _texture(rng, width, height, 24)
    person = _texture(rng, width // 4, height // 2, 12)
    noise = [rng.normal(0, _NOISE, (height, width)) for _ in range(8)]
    for place in range((STILL_SECONDS if still else SECONDS) * FRAMES_PER_S):
        picture = np.full((height * 3 // 2, width), 120, np.uint8)
        luma = room.astype(np.float32)
        if not still:
            turn = 2 * np.pi * place / (SECONDS * FRAMES_PER_S)
            left = round(width * (0.375 + 0.15 * np.sin(3 * turn)))
            top = round(height * (0.4 + 0.05 * np.sin(7 * turn)))
            luma[top : top + height // 2, left : left + width // 4] = person
            luma += noise[place % 8]
        picture[:height] = np.clip(luma, 16, 235).astype(np.uint8)
        picture[height : height * 9 // 8] = 105
        yield picture


def _texture(rng: np.random.Generator, width: int, height: int, size: int) -> Any:
    """Shapes of some pixels with soft edges."""
    coarse = rng.integers(40, 210, (max(2, height // size), max(2, width // size))).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
