"""Raw pictures to H.264 that every browser plays: libx264, constrained baseline, no delay.

Quality is asked for and bits are a cap (`docs/decisions/0022`): a still board costs next to
nothing. One thread: rooms have several cameras, and a slice a thread costs a fifth more.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.video.frame import PictureType, VideoFrame

from hardware_profiles.room_agent.converting.decoder import CLOCK_RATE
from hardware_profiles.room_agent.converting.messages import PictureMessage
from hardware_profiles.room_agent.converting.target import Target

# As cameras are to be set: who comes in the middle gets the pictures since the last one.
_KEYFRAME_EVERY_S = 2.0
_QUALITY = "24"
_CAP_S = 0.5
_FOR_EVER = 1 << 30  # pictures between keyframes that nobody asked for


class BaselineEncoder:
    """One layer. It begins anew, with a keyframe, when the picture's size changes."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._context: Any = None
        self._size = (0, 0)
        self._keyframe_at: int | None = None
        self._newest: int | None = None

    def begin_anew(self) -> None:
        """The next picture is a keyframe: those before it were not sent."""
        self._keyframe_at = None

    def encode(self, frame: VideoFrame) -> list[PictureMessage]:
        """What to send of a picture; nothing when its `pts` goes back by less than a second."""
        timestamp = frame.pts or 0
        if self._newest is not None and timestamp <= self._newest:
            if self._newest - timestamp < CLOCK_RATE:
                return []
            self._context = None  # the camera began anew
        self._newest = timestamp
        size = self._target.size_for(frame.width, frame.height)
        if self._context is None or size != self._size:
            self._context, self._size = self._opened(size), size
            self._keyframe_at = None
        picture = frame.reformat(*size, format="yuv420p", interpolation="BILINEAR")
        picture.pts, picture.time_base = timestamp, Fraction(1, CLOCK_RATE)
        forced = (
            self._keyframe_at is None
            or timestamp - self._keyframe_at >= _KEYFRAME_EVERY_S * CLOCK_RATE
        )
        picture.pict_type = PictureType.I if forced else PictureType.NONE
        if forced:
            self._keyframe_at = timestamp
        return [
            PictureMessage(packet.pts, bytes(packet), bool(packet.is_keyframe))
            for packet in self._context.encode(picture)
        ]

    def _opened(self, size: tuple[int, int]) -> Any:
        context: Any = av.CodecContext.create("libx264", "w")
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.framerate = Fraction(self._target.frame_rate).limit_denominator(1_001)
        context.time_base = Fraction(1, CLOCK_RATE)
        context.gop_size = _FOR_EVER
        context.thread_count = 1
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": _QUALITY,
            "maxrate": str(self._target.bitrate_bps),
            "bufsize": str(round(self._target.bitrate_bps * _CAP_S)),
            "x264-params": "threads=1:sliced-threads=0:scenecut=0",
        }
        return context
