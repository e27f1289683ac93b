"""Decodes one picture's frames: VP8 and H.264 through libavcodec, into planes.

What comes in may be hostile: sizes are limited before anything is allocated, an error makes the
decoder wait for the next keyframe, a picture that libavcodec itself calls damaged is not shown, and
nothing here raises. One thread each: many small pictures share the processors better than one does
by itself, and threads would hold pictures back. `mixer.reading` gives whole frames only, and none
between a loss and the next keyframe.
"""

from __future__ import annotations

from typing import Any

import av
import av.error
import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange

from mixer.composite.picture import Picture, Plane
from mixer.reading.frames import Frame

# A 4K screen is the largest that anybody sends; what says more would fill our memory.
MOST_PIXELS = 3840 * 2160

# Some encoders write what the standard does not allow, and always do. Whose keyframes are refused
# so often in a row is decoded as well as can be.
STRICT_TRIES = 3

_DECODERS = {"vp8": "vp8", "h264": "h264"}


class PictureDecoder:
    """Frames of one source in, the last good picture out."""

    def __init__(self, codec: str) -> None:
        """Raises `ValueError` for a codec that has no pictures."""
        name = _DECODERS.get(codec.lower())
        if name is None:
            raise ValueError(f"codec {codec!r} has no pictures to show: only VP8 and H264 have")
        self._name = name
        self._refused_keyframes = 0  # in a row
        self._context = self._open()
        self._began = False  # a keyframe was decoded
        self.undecodable_frames = 0
        self.oversized_frames = 0

    def decode(self, frame: Frame) -> Picture | None:
        """The picture of the next frame; None when there is none to show.

        After None with `needs_keyframe` true, nothing is shown before a keyframe has come.
        """
        if frame.keyframe:
            if frame.width * frame.height > MOST_PIXELS:
                self.oversized_frames += 1
                self._began = False
                return None
            self._began = True
        elif not self._began:
            return None
        try:
            decoded = self._context.decode(av.Packet(frame.data))
            pictures = [picture_of(one) for one in decoded if not one.is_corrupt]
        except (av.error.FFmpegError, ValueError):
            self._fail(keyframe=frame.keyframe)
            return None
        if frame.keyframe and self._is_strict:
            self._refused_keyframes = 0
        return pictures[-1] if pictures else None

    @property
    def needs_keyframe(self) -> bool:
        """Whether the next frame that can be shown is a keyframe."""
        return not self._began

    @property
    def _is_strict(self) -> bool:
        return self._refused_keyframes < STRICT_TRIES

    def _fail(self, *, keyframe: bool) -> None:
        self.undecodable_frames += 1
        self._refused_keyframes += keyframe
        self._began = False
        self._context = self._open()  # nothing of what it was told before may show

    def _open(self) -> Any:
        context = av.CodecContext.create(self._name, "r")
        context.thread_count = 1
        context.options = {"max_pixels": str(MOST_PIXELS), "flags": "low_delay"}
        if self._is_strict:
            context.options |= {"err_detect": "explode"}
        return context


def picture_of(frame: VideoFrame) -> Picture:
    """The planes of a decoded frame, without copying them where they are as we need them."""
    if frame.format.name != "yuv420p" or frame.color_range == ColorRange.JPEG:
        frame = frame.reformat(format="yuv420p", dst_color_range=ColorRange.MPEG)
    y, u, v = map(view_of, frame.planes)
    return Picture(y, u, v)


def view_of(plane: VideoPlane) -> Plane:
    """The samples of one plane of libav's, where they lie."""
    shape, strides = (plane.height, plane.width), (plane.line_size, 1)
    return np.ndarray(shape, np.uint8, memoryview(plane), 0, strides)
