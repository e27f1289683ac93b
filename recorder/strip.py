"""The preview strip: small pictures of the whole lesson in one JPEG, shown where somebody seeks.

Of the same picture as the poster: the lead's. Only keyframes are decoded, at most `MOST` of them,
so that a long lesson costs what a short one does. A moment that shows nothing is grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import cv2
import numpy as np

from recorder.poster import Picture
from recorder.whole_file import whole_file

WIDTH, HEIGHT = 160, 90  # a hand's width above a seek bar
COLUMNS = 10
MOST = 60  # at forty minutes one each 40 s; half a second of a processor
LEAST_EVERY_S = 5.0  # nearer ones show the same
QUALITY = 60
_GREY = 40


@dataclass(frozen=True, slots=True)
class StripPart:
    """A file with the picture, and from when to when it lasts in the recording."""

    path: Path
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class MadeStrip:
    """What was drawn: one small picture each `every_s`, `count` of them, in rows."""

    every_s: float
    count: int


def make_strip(parts: Sequence[StripPart], duration_s: float, path: Path) -> MadeStrip | None:
    """Write the strip; None if nothing can be seen. Raises `OSError` when it cannot be written."""
    every_s = max(LEAST_EVERY_S, duration_s / MOST)
    count = max(1, int(duration_s / every_s))
    rows = -(-count // COLUMNS)
    sheet = np.full((rows * HEIGHT, COLUMNS * WIDTH, 3), _GREY, np.uint8)
    drawn = 0
    for part in parts:
        # The middle of its time stands for each.
        wanted = [
            (number, (number + 0.5) * every_s - part.start_s)
            for number in range(count)
            if 0 <= (number + 0.5) * every_s - part.start_s < part.duration_s
        ]
        for number, picture in _pictures(part.path, wanted):
            top, left = number // COLUMNS * HEIGHT, number % COLUMNS * WIDTH
            sheet[top : top + HEIGHT, left : left + WIDTH] = _small(picture)
            drawn += 1
    encoded, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not drawn or not encoded:
        return None
    with whole_file(path) as file:
        file.write(data.tobytes())
    return MadeStrip(round(every_s, 3), count)


def _pictures(path: Path, wanted: Sequence[tuple[int, float]]) -> list[tuple[int, Picture]]:
    """The keyframe before each of these moments of the file; what cannot be decoded is left out."""
    found: list[tuple[int, Picture]] = []
    try:
        with av.open(str(path)) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                return found
            stream.codec_context.skip_frame = "NONKEY"
            for number, at_s in wanted:
                container.seek(round(at_s * av.time_base), backward=True)
                frame = next(container.decode(stream), None)
                if frame is not None:
                    picture = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
                    found.append((number, picture))
    except (av.error.FFmpegError, ValueError):
        return found
    return found


def _small(picture: Picture) -> Picture:
    """The whole of it, with bars where its shape is another."""
    scale = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    width = min(WIDTH, max(1, round(picture.shape[1] * scale)))
    height = min(HEIGHT, max(1, round(picture.shape[0] * scale)))
    small = np.full((HEIGHT, WIDTH, 3), _GREY, np.uint8)
    top, left = (HEIGHT - height) // 2, (WIDTH - width) // 2
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    small[top : top + height, left : left + width] = resized
    return small
