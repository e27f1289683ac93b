"""A part's pictures, one after the other, as they are shown: decoded only while they are looked at.

Whoever looks away for long and comes back is taken to the keyframe before. What cannot be decoded
is passed over: the picture before it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.error

from mixer.composite.picture import Picture
from mixer.composite.picture_decoder import MOST_PIXELS, picture_of

# Keyframes are three seconds apart: what is further is reached from one of them.
_SEEK_S = 6.0


class PartPictures:
    """One part's. `close` it."""

    def __init__(self, path: Path) -> None:
        """Raises `FFmpegError` and `OSError`."""
        self._container = av.open(str(path))
        self._stream = next(iter(self._container.streams.video), None)
        if self._stream is not None:
            self._stream.codec_context.thread_count = 1  # it yields to what is live
            self._stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        self._frames = self._decoded()
        self._next: Any = None
        self._over = self._stream is None
        self._at = 0.0  # up to where it was looked at
        self.undecodable_packets = 0

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def until(self, at_s: float) -> Picture | None:
        """The newest picture that is shown by then; None: still the one that was given before."""
        if at_s - self._at > _SEEK_S:
            self._seek(at_s)
        self._at = at_s
        newest = None
        while not self._over:
            if self._next is None:
                self._next = next(self._frames, None)
                self._over = self._next is None
            elif self._next.time <= at_s:
                newest, self._next = self._next, None
            else:
                break
        try:
            return picture_of(newest) if newest is not None else None
        except (av.error.FFmpegError, ValueError):
            return None

    def _seek(self, at_s: float) -> None:
        try:
            self._container.seek(round(at_s * av.time_base), backward=True)
        except av.error.FFmpegError:
            return  # it is decoded up to there
        self._frames, self._next, self._over = self._decoded(), None, self._stream is None

    def _decoded(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames: list[Any] = packet.decode()
                except av.error.FFmpegError:
                    self.undecodable_packets += 1
                    continue
                yield from (one for one in frames if one.time is not None)
        except av.error.FFmpegError:
            return  # the file ends here for us
