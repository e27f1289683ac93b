"""The child that decodes a camera's pictures and says what was to be seen: JSON, and it ends.

Reads `converting.messages`: the setup with the codec, then coded pictures. It opens nothing.
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from hardware_profiles.room_agent.converting.child_bounds import bound_itself
from hardware_profiles.room_agent.converting.decoder import CameraDecoder
from hardware_profiles.room_agent.converting.messages import (
    BrokenMessage,
    ChildMessages,
    MessageKind,
    PictureMessage,
)

_MOST_MEMORY_BYTES = 2 << 30
_READ_BYTES = 1 << 18
# Small enough to be cheap, large enough that a hand moving at the back changes it.
_LOOKED_AT = (320, 180)


class Looking:
    """Pictures of one camera, one after the other."""

    def __init__(self, codec: str) -> None:
        self._decoder = CameraDecoder(codec)
        self._last: NDArray[np.uint8] | None = None
        self._told = {"pictures": 0, "width": 0, "height": 0}
        self._brightness: list[float] = []
        self._spread: list[float] = []
        self._changes: list[float] = [0.0]

    def take(self, picture: PictureMessage) -> None:
        for frame in self._decoder.decode(picture.data, picture.timestamp):
            self._look(frame)

    def told(self) -> dict[str, float]:
        return {
            **self._told,
            "brightness": float(np.mean(self._brightness)) if self._brightness else 0.0,
            "spread": float(np.mean(self._spread)) if self._spread else 0.0,
            # Of a still picture keyframes alone differ a little, a few of a hundred.
            "change": float(np.percentile(self._changes, 75)),
            "broken": self._decoder.broken,
        }

    def _look(self, frame: VideoFrame) -> None:
        self._told["pictures"] += 1
        self._told["width"], self._told["height"] = frame.width, frame.height
        small = frame.reformat(*_LOOKED_AT, format="gray").to_ndarray().astype(np.uint8)
        self._brightness.append(float(small.mean()))
        self._spread.append(float(small.std()))
        if self._last is not None:
            change = np.abs(small.astype(np.int16) - self._last.astype(np.int16))
            self._changes.append(float(change.mean()))
        self._last = small


def main() -> int:
    bound_itself(_MOST_MEMORY_BYTES)
    messages = ChildMessages()
    looking = None
    try:
        while data := os.read(0, _READ_BYTES):
            for message in messages.feed(data):
                if message.kind is MessageKind.SETUP:
                    looking = Looking(json.loads(message.body)["codec"])
                elif looking is not None and message.kind is MessageKind.CODED:
                    looking.take(PictureMessage.read(message.body))
    except (BrokenMessage, ValueError, KeyError):
        return 1
    sys.stdout.write(json.dumps(looking.told() if looking is not None else {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
