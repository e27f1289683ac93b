"""Reads a track's files back: encoded frames with their track time, up to where the file is good.

A file that a crash cut off ends with its last whole fragment (`live_file`). Frames come out as they
went in; nothing is decoded. How long a sound lasts is said by its packet (RFC 6716 §3.1), never by
when the next one begins: between the two there may be a hole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from recorder.fragments import Fragment
from recorder.holes import Span, runs, runs_of
from recorder.live_file import LiveFile
from recorder.samples import read_samples
from recorder.sound_reader import sound_duration, sound_durations

# What the last frame of a picture lasts when nothing follows: a frame at 25 fps, as good as any.
LAST_FRAME_S = 0.04

# What is nearer together is looked at as one.
HOLE_S = 1.0

# The head of a live file has less than one kilobyte; a file with more has had frames.
MOST_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class TrackFile:
    """One file of a track: `rtp` is the track's timestamp at the file's time 0.

    `frames` is how many the journal says it holds, None when it was never closed in order.
    """

    path: Path
    rtp: int
    clock_rate: int
    codec: str
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One encoded frame; `time` is track time in seconds, `duration` 0 for a picture."""

    time: float
    duration: float
    packet: Packet[Stream]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a file holds: track time of its first frame and of the end of its last, and `held`, the
    spans between which nothing is for `HOLE_S` and longer.

    `missing` says in words what it should hold and does not; empty when it is as good as can be.
    """

    first: float
    end: float
    frames: int
    missing: str
    held: tuple[Span, ...] = ()
    begun_only: bool = False  # it is there, and holds no fragment


class OpenTrackFile:
    """A file being read."""

    def __init__(self, container: InputContainer, file: TrackFile) -> None:
        self._container = container
        self._file = file
        self.stream = container.streams[0]
        self.error = ""  # what ended the reading before the file's end

    def frames(self) -> Iterator[StoredFrame]:
        """Every whole frame, in order."""
        base = self._file.rtp / self._file.clock_rate
        tick_s = float(self.stream.time_base or 1)
        is_sound = self._file.codec.lower() == "opus"
        try:
            for packet in self._container.demux(self.stream):
                if packet.pts is None or packet.size == 0:
                    continue
                if packet.is_corrupt:
                    self.error = "a frame is damaged"
                    return
                duration = sound_duration(bytes(packet)[:2]) if is_sound else 0.0
                if duration is None:
                    continue  # no Opus: it cannot have been written so, and cannot be played
                yield StoredFrame(base + packet.pts * tick_s, duration, packet)
        except av.error.FFmpegError as error:
            self.error = str(error)


@contextmanager
def open_track_file(
    file: TrackFile, skip: Callable[[float], bool] = lambda _: False
) -> Iterator[OpenTrackFile | None]:
    """The file for reading; None if there is nothing whole in it.

    Fragments are left out up to the last one whose track time `skip` is still true of.
    """
    try:
        live = LiveFile(file.path)
    except (OSError, ValueError):
        yield None
        return
    with live:
        live.leave_out(_fragments_to_skip(live, file, skip))
        try:
            container = av.open(live, "r", format=file.path.suffix.removeprefix("."))
        except (av.error.FFmpegError, ValueError):
            yield None
            return
        with container:
            yield OpenTrackFile(container, file) if len(container.streams) == 1 else None


def _fragments_to_skip(live: LiveFile, file: TrackFile, skip: Callable[[float], bool]) -> int:
    def wanted(fragment: Fragment) -> bool:
        return fragment.time is None or not skip((file.rtp + fragment.time) / file.clock_rate)

    return max(0, bisect_left(live.fragments, True, key=wanted) - 1)


def measure(file: TrackFile) -> Extent:
    """What the file holds. Never raises: what cannot be read is told in `missing`."""
    if file.path.suffix == ".mp4":
        return _measure_boxes(file)
    is_sound = file.codec.lower() == "opus"
    spans: list[Span] = []
    error = ""
    with open_track_file(file) as opened:
        if opened is not None:
            for frame in opened.frames():
                lasts = frame.duration if is_sound else LAST_FRAME_S
                spans.append((frame.time, frame.time + lasts))
            error = opened.error
    if not spans:
        return _nothing(file)
    span = (spans[0][0], max(ends for _, ends in spans))
    return _extent(file, span, len(spans), runs(spans, HOLE_S), error)


def _measure_boxes(file: TrackFile) -> Extent:
    """As `measure`, by what the boxes say; of a sound's packets the first bytes are read, too."""
    try:
        samples = read_samples(file.path)
        if samples is None:
            return _nothing(file)
        begins = (file.rtp + samples.shown) / file.clock_rate
        if file.codec.lower() == "opus":
            lasts = np.array(sound_durations(file.path, samples), np.float64)  # None is NaN
            begins, lasts = begins[~np.isnan(lasts)], lasts[~np.isnan(lasts)]
            ends = begins + lasts
        else:
            ends = begins + LAST_FRAME_S
    except OSError as error:
        return Extent(0.0, 0.0, 0, f"it cannot be read ({error.strerror or error})")
    if not len(begins):
        return _nothing(file)
    held = runs_of(begins, ends, HOLE_S)
    return _extent(file, (float(begins[0]), float(ends.max())), len(begins), held)


def _extent(
    file: TrackFile, span: Span, frames: int, held: Sequence[Span], error: str = ""
) -> Extent:
    if not error and file.frames is not None and frames < file.frames:
        error = f"{frames} of {file.frames} frames are left"
    return Extent(span[0], span[1], frames, error or _torn(file), tuple(held))


def has_frames(path: Path) -> bool:
    """Whether a file that nothing is known of seems to hold some."""
    try:
        with LiveFile(path) as live:
            return bool(live.fragments) or path.stat().st_size > MOST_HEADER_BYTES
    except OSError:
        return True  # who knows
    except ValueError:
        return path.stat().st_size > 0


def _nothing(file: TrackFile) -> Extent:
    try:
        size = file.path.stat().st_size
        begun_only = not has_frames(file.path)
    except OSError as error:
        return Extent(0.0, 0.0, 0, f"it cannot be read ({error.strerror or error})")
    why = f"its {size} bytes hold no whole frame" if size else "it is empty"
    return Extent(0.0, 0.0, 0, why, begun_only=begun_only)


def _torn(file: TrackFile) -> str:
    """A crash tears one fragment at most. More is a damaged disk, and is told."""
    try:
        samples = read_samples(file.path) if file.path.suffix == ".mp4" else None
        if samples is not None and not samples.torn_bytes:
            return ""
        with LiveFile(file.path) as live:
            if live.more_was_torn():
                return f"it is damaged: {live.torn_bytes} bytes at its end cannot be read"
    except (OSError, ValueError) as error:
        return str(error)
    return ""
