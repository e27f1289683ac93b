"""Pictures for the compositor's tests: fine ones to scale, plain ones to know again; and SSIM."""

from __future__ import annotations

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation

from mixer.composite.layouts import Box
from mixer.composite.picture import Canvas, Picture, Plane


def fine_picture(width: int, height: int, seed: int = 1) -> Picture:
    """Shapes of all sizes, writing and a little noise: what a classroom's camera gives."""
    rng = np.random.default_rng(seed)
    half = (height + 1) // 2, (width + 1) // 2
    y = np.zeros((height, width), np.uint8)
    y[:] = np.linspace(40, 180, width, dtype=np.uint8)
    for _ in range(60):
        at = tuple(int(value) for value in rng.integers(0, (width, height)))
        size = int(rng.integers(2, max(3, height // 6)))
        cv2.circle(y, at, size, int(rng.integers(16, 235)), -1, cv2.LINE_AA)
        cv2.putText(y, "lesson", at, cv2.FONT_HERSHEY_SIMPLEX, height / 400, 220, 1, cv2.LINE_AA)
    noise = rng.normal(0, 2, y.shape)
    y = np.clip(y + noise, 16, 235).astype(np.uint8)
    u = np.full(half, 110, np.uint8)
    v = np.full(half, 140, np.uint8)
    u[: half[0] // 2] = 150
    v[:, : half[1] // 3] = 100
    return Picture(y, u, v)


def plain_picture(width: int, height: int, y: int, u: int = 128, v: int = 128) -> Picture:
    """One colour."""
    half = (height + 1) // 2, (width + 1) // 2
    return Picture(
        np.full((height, width), y, np.uint8),
        np.full(half, u, np.uint8),
        np.full(half, v, np.uint8),
    )


def swscaled(plane: Plane, width: int, height: int, how: Interpolation) -> Plane:
    """The plane as libswscale scales it: not ours."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(plane), format="gray")
    scaled = frame.reformat(width=width, height=height, format="gray", interpolation=how)
    return np.asarray(scaled.to_ndarray())


def part(canvas: Canvas, box: Box) -> Plane:
    """The brightness in a box."""
    return canvas.planes(box)[0]


def ssim(one: Plane, other: Plane) -> float:
    """Structural similarity (Wang et al. 2004) over windows of 8 × 8, as libavfilter's `ssim`."""

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.blur(values, (8, 8)))[4:-4, 4:-4]

    a, b = one.astype(np.float64), other.astype(np.float64)
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    both = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())
