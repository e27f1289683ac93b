"""Coded pictures to raw, progressive ones: libavcodec through PyAV.

In one thread without look-ahead, so that a picture comes out with its own packet; only B-frames
have to be waited for, as the camera has sent them out of order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import av
from av.video.frame import VideoFrame

CLOCK_RATE = 90_000
_NAMES = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}


class CameraDecoder:
    """One stream's. `broken` counts what it could not read."""

    def __init__(self, codec: str) -> None:
        """`codec` as a camera's description names it. Raises `ValueError` for another one."""
        if codec not in _NAMES:
            raise ValueError(codec)
        self._context: Any = av.CodecContext.create(_NAMES[codec], "r")
        self._context.thread_count = 1
        self._deinterlacing: Any = None
        self.broken = 0

    def decode(self, data: bytes, timestamp: int) -> list[VideoFrame]:
        """The pictures that come out now, each with its own timestamp as `pts`."""
        packet = av.Packet(data)
        packet.pts = packet.dts = timestamp
        try:
            frames = self._context.decode(packet)
        except av.error.FFmpegError:
            self.broken += 1
            return []
        return [ready for frame in frames for ready in self._progressive(frame)]

    def _progressive(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        if self._deinterlacing is None:
            if not frame.interlaced_frame:
                yield frame
                return
            self._deinterlacing = _deinterlacing(frame)
        graph = self._deinterlacing
        try:
            graph.push(frame)
            while True:
                ready = graph.pull()
                # It counts in ticks of its own.
                ready.pts = round(ready.pts * ready.time_base * CLOCK_RATE)
                yield ready
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        except (av.error.FFmpegError, ValueError):  # another size or format: begin anew
            self._deinterlacing = None
            yield frame


def _deinterlacing(frame: VideoFrame) -> Any:
    """yadif: one picture for two fields; what is progressive goes through as it is."""
    graph = av.filter.Graph()
    source = graph.add(
        "buffer",
        f"width={frame.width}:height={frame.height}:pix_fmt={frame.format.name}"
        f":time_base=1/{CLOCK_RATE}",
    )
    steps = [source, graph.add("yadif", "mode=0:deint=1"), graph.add("buffersink")]
    for one, after in pairwise(steps):
        one.link_to(after)
    graph.configure()
    return graph
