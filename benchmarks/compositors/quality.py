"""How good the composed picture is: tiles, and the program as it is received, as SSIM in dB.

The ideal is the same decoded pictures, scaled by their spectrum: all that the smaller picture can
hold, and nothing else, with its samples where every scaler puts them (in the middle of what each
stands for). Beside ours stand libswscale's ways: `bicubic`, which ffmpeg's `scale` takes
when nothing is said, and `fast_bilinear`. Then each composed picture is encoded as the program is,
decoded and compared with the ideal one: what of that difference anybody receives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation

from benchmarks.compositors import BITRATE_BPS, FRAMES_PER_S, HEIGHT, SOURCES, WIDTH
from benchmarks.compositors.classroom import clip
from mixer.composite.layouts import Box
from mixer.composite.picture import Canvas, Picture, Plane
from mixer.composite.picture_decoder import picture_of
from mixer.composite.process.picture_encoder import FrameBuffer, PictureEncoder
from mixer.composite.scaling import draw_picture

OURS, STOCK, TUNED = "tongke", "xstack", "xstack-tuned"
# Source and tile: full-size sources in a grid of four, and what is no even ratio.
TILES = {
    "1280x720 to 640x360": ((1280, 720, 2_000_000), (640, 360)),
    "1280x720 to 854x480": ((1280, 720, 2_000_000), (854, 480)),
    "640x360 to 480x270": ((640, 360, 700_000), (480, 270)),
}
_EVERY = 10  # of the clip's pictures
_WINDOW = (8, 8)

Scaler = Callable[[Plane, int, int], Plane]


def measure_tiles() -> dict[str, dict[str, float]]:
    """Per case and scaler the mean SSIM against the ideal, in dB."""
    found: dict[str, dict[str, float]] = {}
    for case, ((width, height, bitrate_bps), tile) in TILES.items():
        pictures = _decoded(width, height, 0, bitrate_bps)[::_EVERY]
        ideals = [_ideal(picture.y, *tile) for picture in pictures]
        found[case] = {
            OURS: _mean_db([_ours(picture, *tile) for picture in pictures], ideals),
            STOCK: _mean_db(
                [_swscaled(one.y, *tile, Interpolation.BICUBIC) for one in pictures], ideals
            ),
            TUNED: _mean_db(
                [_swscaled(one.y, *tile, Interpolation.FAST_BILINEAR) for one in pictures], ideals
            ),
        }
    return found


def measure_program() -> dict[str, float]:
    """Four full-size sources, composed by each, encoded as the program is: SSIM in dB."""
    sources = [_decoded(1280, 720, seed, 2_000_000) for seed in range(SOURCES)]
    count = min(map(len, sources))
    scalers: dict[str, Scaler] = {
        OURS: _plane_of_ours,
        STOCK: lambda plane, w, h: _swscaled(plane, w, h, Interpolation.BICUBIC),
        TUNED: lambda plane, w, h: _swscaled(plane, w, h, Interpolation.FAST_BILINEAR),
    }
    ideals = [_composed(sources, n, _ideal) for n in range(0, count, _EVERY)]
    found = {}
    for name, scaler in scalers.items():
        received = _received([_composed(sources, n, scaler) for n in range(count)])
        found[name] = _mean_db(received[::_EVERY], [one.y for one in ideals])
    return found


@cache
def _decoded(width: int, height: int, seed: int, bitrate_bps: int) -> list[Picture]:
    context: Any = av.CodecContext.create("h264", "r")
    stream = clip(width, height, seed=seed, bitrate_bps=bitrate_bps).stream
    frames = [frame for packet in context.parse(stream) for frame in context.decode(packet)]
    return [picture_of(frame) for frame in frames]


def _ours(picture: Picture, width: int, height: int) -> Plane:
    canvas = FrameBuffer(width, height).canvas
    draw_picture(canvas, picture, Box(0, 0, width, height), letterbox=False)
    return canvas.y.copy()


def _plane_of_ours(plane: Plane, width: int, height: int) -> Plane:
    half = np.full(((plane.shape[0] + 1) // 2, (plane.shape[1] + 1) // 2), 128, np.uint8)
    return _ours(Picture(plane, half, half), width, height)


def _swscaled(plane: Plane, width: int, height: int, how: Interpolation) -> Plane:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(plane), format="gray")
    scaled = frame.reformat(width=width, height=height, format="gray", interpolation=how)
    return np.asarray(scaled.to_ndarray())


def _ideal(plane: Plane, width: int, height: int) -> Plane:
    rows, columns = plane.shape
    # A sample of the smaller picture lies in the middle of those that it stands for: so much later
    # than its first one, which is a turn of each frequency.
    turns = (
        np.fft.fftfreq(rows)[:, None] * (rows / height - 1) / 2
        + np.fft.fftfreq(columns) * (columns / width - 1) / 2
    )
    turned = np.fft.fft2(plane.astype(np.float64)) * np.exp(2j * np.pi * turns)
    spectrum = np.fft.fftshift(turned)
    top, left = (rows - height) // 2, (columns - width) // 2
    kept = np.fft.ifftshift(spectrum[top : top + height, left : left + width])
    scaled = np.fft.ifft2(kept).real * (width * height) / (rows * columns)
    return np.asarray(np.clip(np.round(scaled), 0, 255).astype(np.uint8))


def _composed(sources: Sequence[list[Picture]], number: int, scaler: Scaler) -> Canvas:
    canvas = FrameBuffer(WIDTH, HEIGHT).canvas
    width, height = WIDTH // 2, HEIGHT // 2
    for place, pictures in enumerate(sources):
        box = Box(place % 2 * width, place // 2 * height, width, height)
        canvas.planes(box)[0][:] = scaler(pictures[number].y, width, height)
    return canvas


def _received(canvases: Sequence[Canvas]) -> list[Plane]:
    encoder = PictureEncoder(WIDTH, HEIGHT, bitrate_bps=BITRATE_BPS, frames_per_s=FRAMES_PER_S)
    context: Any = av.CodecContext.create("h264", "r")
    buffer = FrameBuffer(WIDTH, HEIGHT)
    received = []
    for number, canvas in enumerate(canvases):
        buffer.canvas.take(canvas)
        data = encoder.encode(buffer.frame, number / FRAMES_PER_S)
        frames = context.decode(av.Packet(data))
        received += [picture_of(frame).y.copy() for frame in frames]
    return received


def _mean_db(pictures: Sequence[Plane], ideals: Sequence[Plane]) -> float:
    each = [ssim(one, other) for one, other in zip(pictures, ideals, strict=True)]
    return -10 * math.log10(1 - sum(each) / len(each))


def ssim(one: Plane, other: Plane) -> float:
    """Structural similarity (Wang et al. 2004) over windows of 8 × 8, as libavfilter's `ssim`."""

    def mean(values: Any) -> Any:
        return np.asarray(cv2.blur(values, _WINDOW))[4:-4, 4:-4]

    a, b = one.astype(np.float64), other.astype(np.float64)
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    both = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())
