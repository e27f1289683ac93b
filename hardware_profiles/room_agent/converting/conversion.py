"""A child's work, without its process: messages in, messages out."""

from __future__ import annotations

import time

from hardware_profiles.room_agent.converting.decoder import CLOCK_RATE, CameraDecoder
from hardware_profiles.room_agent.converting.encoder import BaselineEncoder
from hardware_profiles.room_agent.converting.messages import (
    ChildMessage,
    MessageKind,
    PictureMessage,
    message_bytes,
    number_bytes,
)
from hardware_profiles.room_agent.converting.target import EvenPace, Target


class Conversion:
    """A network camera's pictures, decoded and encoded again."""

    def __init__(self, codec: str, target: Target) -> None:
        """Raises `ValueError` for a codec that no camera has."""
        self._decoder = CameraDecoder(codec)
        self._encoder = BaselineEncoder(target)
        self._pace = EvenPace(target.frame_rate, CLOCK_RATE)
        self._size = (0, 0)
        self._showing = False

    def take(self, message: ChildMessage) -> list[bytes]:
        """What to answer. Raises `BrokenMessage`."""
        if message.kind is MessageKind.CODED:
            return self._coded(PictureMessage.read(message.body))
        return []

    def _coded(self, picture: PictureMessage) -> list[bytes]:
        out = []
        for frame in self._decoder.decode(picture.data, picture.timestamp):
            if (frame.width, frame.height) != self._size:
                self._size = frame.width, frame.height
                out.append(message_bytes(MessageKind.SIZE, number_bytes(*self._size)))
            if picture.unshown or not self._pace.takes(frame.pts or 0):
                continue
            for encoded in self._encoder.encode(frame):
                out.append(message_bytes(MessageKind.ENCODED, encoded.body()))
        spent = round(time.process_time() * 1e6)
        return [*out, message_bytes(MessageKind.DONE, number_bytes(spent))]
