"""A real picture and a real sound to send to servers that decode: 360p VP8 and Opus, a few seconds.

Made when they are needed, by the encoders PyAV carries; cut into RTP payloads of at most 1,100
bytes (RFC 7741 §4.2, RFC 7587 §4.2).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
SECONDS = 2
BITRATE_BPS = 500_000
PAYLOAD_BYTES = 1100
SAMPLE_RATE = 48_000
SAMPLES_PER_FRAME = 960
# RFC 7741 §4.2: S, the first payload of a partition; X, N and the partition index are 0.
FIRST, FOLLOWING = b"\x10", b"\x00"


@cache
def vp8_frames() -> list[list[bytes]]:
    """Two seconds of moving stripes, beginning with the only keyframe; payloads by frame."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.bit_rate = BITRATE_BPS
    encoder.time_base = Fraction(1, FRAME_RATE)
    encoder.gop_size = FRAME_RATE * SECONDS + 1
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets = []
    for number in range(FRAME_RATE * SECONDS):
        picture = av.VideoFrame.from_ndarray(_stripes(number), format="rgb24")
        picture.pts = number
        packets += encoder.encode(picture.reformat(format="yuv420p"))
    packets += encoder.encode(None)
    return [_payloads(bytes(packet)) for packet in packets if packet.size]


@cache
def opus_frames() -> list[list[bytes]]:
    """Two seconds of a tone, 20 ms a packet."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = SAMPLE_RATE, "s16", "mono"
    encoder.bit_rate = 32_000
    times = np.arange(SAMPLE_RATE * SECONDS) / SAMPLE_RATE
    samples = (8000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    packets = []
    for begin in range(0, len(samples), SAMPLES_PER_FRAME):
        piece = samples[np.newaxis, begin : begin + SAMPLES_PER_FRAME]
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, begin
        packets += encoder.encode(frame)
    return [[bytes(packet)] for packet in packets if packet.size]


def _stripes(number: int) -> np.ndarray:
    across = np.arange(WIDTH)[np.newaxis, :] + 4 * number
    down = np.arange(HEIGHT)[:, np.newaxis] - 2 * number
    red = np.broadcast_to(across % 256, (HEIGHT, WIDTH))
    green = np.broadcast_to(down % 256, (HEIGHT, WIDTH))
    blue = (across + down) // 2 % 256
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def _payloads(frame: bytes) -> list[bytes]:
    room = PAYLOAD_BYTES - 1
    pieces = [frame[at : at + room] for at in range(0, len(frame), room)]
    return [(FOLLOWING if at else FIRST) + piece for at, piece in enumerate(pieces)]
