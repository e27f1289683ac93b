"""Reads a track's files back: encoded frames with their track time, up to where the file is good.

A file that a crash cut off ends with its last whole frame. Frames come out as they went in;
nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

# What the last frame of a picture lasts when nothing follows: a frame at 25 fps, as good as any.
LAST_FRAME_S = 0.04


@dataclass(frozen=True, slots=True)
class TrackFile:
    """One file of a track: `rtp` is the track's timestamp at the file's time 0."""

    path: Path
    rtp: int
    clock_rate: int


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One encoded frame; `time` is track time in seconds, `duration` 0 if the file has none."""

    time: float
    duration: float
    packet: Packet[Stream]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a file holds: track time of its first frame and of the end of its last."""

    first: float
    end: float
    frames: int


class OpenTrackFile:
    """A file being read."""

    def __init__(self, container: InputContainer, file: TrackFile) -> None:
        self._container = container
        self._file = file
        self.stream = container.streams[0]

    def frames(self) -> Iterator[StoredFrame]:
        """Every whole frame, in order."""
        base = self._file.rtp / self._file.clock_rate
        tick_s = float(self.stream.time_base or 1)
        try:
            for packet in self._container.demux(self.stream):
                if packet.is_corrupt:
                    return
                if packet.pts is None or packet.size == 0:
                    continue
                duration = (packet.duration or 0) * tick_s
                yield StoredFrame(base + packet.pts * tick_s, duration, packet)
        except av.error.FFmpegError:
            return  # the torn tail of a file that was being written


@contextmanager
def open_track_file(file: TrackFile) -> Iterator[OpenTrackFile | None]:
    """The file for reading; None if there is not even a beginning."""
    try:
        container = av.open(str(file.path))
    except (av.error.FFmpegError, OSError):
        yield None
        return
    try:
        yield OpenTrackFile(container, file) if len(container.streams) == 1 else None
    finally:
        container.close()


def measure(file: TrackFile, *, picture: bool) -> Extent | None:
    """What the file holds, None if it holds no frame."""
    with open_track_file(file) as opened:
        if opened is None:
            return None
        first: float | None = None
        end, frames = 0.0, 0
        for frame in opened.frames():
            first = frame.time if first is None else first
            end = frame.time + (LAST_FRAME_S if picture else frame.duration)
            frames += 1
    return None if first is None else Extent(first, end, frames)
