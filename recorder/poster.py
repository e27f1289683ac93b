"""The poster: one picture of the lesson for its card in the library.

Decodes a few keyframes of one finished part and keeps the one that shows most. A part nobody can
decode gives no poster; the recording is none the worse.
"""

from __future__ import annotations

from pathlib import Path

import av
import av.error
import cv2
import numpy as np
import numpy.typing as npt

from recorder.whole_file import whole_file

# A card is at most 640 pixels wide on the pages.
WIDTH = 640
QUALITY = 80

# Where to look: beginnings show an empty room, ends a waving one.
_PLACES = (0.1, 0.3, 0.6, 0.0)

Picture = npt.NDArray[np.uint8]


def make_poster(part: Path, poster: Path) -> bool:
    """Write a JPEG of the part's most telling keyframe; False if none can be decoded.

    Raises `OSError` when it cannot be written.
    """
    pictures = keyframes(part)
    if not pictures:
        return False
    # The spread of brightness: a black or a covered camera has next to none.
    best = max(pictures, key=lambda picture: float(picture.std()))
    height = max(1, round(best.shape[0] * WIDTH / best.shape[1]))
    small = cv2.resize(best, (WIDTH, height), interpolation=cv2.INTER_AREA)
    encoded, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not encoded:
        return False
    with whole_file(poster) as file:
        file.write(data.tobytes())
    return True


def keyframes(part: Path) -> list[Picture]:
    """The keyframes near the places we look at, as BGR pictures."""
    found: list[Picture] = []
    try:
        with av.open(str(part)) as container:
            if not container.streams.video:
                return []
            stream = container.streams.video[0]
            stream.codec_context.skip_frame = "NONKEY"
            duration = container.duration or 0
            for place in _PLACES:
                container.seek(round(duration * place), backward=True)
                for frame in container.decode(stream):
                    found.append(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False))
                    break
    except (av.error.FFmpegError, ValueError):
        return found
    return found
