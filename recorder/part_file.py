"""Makes one file for the player: a picture's frames and a seat's sound, copied, in step, seekable.

H.264 and Opus make an MP4 with its index in front, VP8 and Opus (or Opus alone) a WebM with its
cues in front. The file is written under another name, read back, synced and renamed: a part that
stands there is whole.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import inf
from pathlib import Path
from typing import TypeVar

import av
import av.error
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from recorder.errors import FinishError, StorageError
from recorder.lesson_time import TimeMap
from recorder.sound_line import RATE, SoundLine, SoundPacket
from recorder.track_reader import (
    LAST_FRAME_S,
    OpenTrackFile,
    StoredFrame,
    TrackFile,
    open_track_file,
)

PICTURE_RATE = 90_000
PICTURE_BASE = Fraction(1, PICTURE_RATE)
SOUND_BASE = Fraction(1, RATE)

# A sound's time may step back where its sender began to count anew, never by more than this.
_STEP_BACK_S = 15.0

_T = TypeVar("_T")

# (time, which of two at one time comes first, write it)
_Flow = Iterator[tuple[float, int, Callable[[], None]]]

_OPTIONS = {"mp4": {"movflags": "faststart"}, "webm": {"cues_to_front": "1"}}


@dataclass(frozen=True, slots=True)
class Source:
    """A track's file and the map from its track time to Unix time."""

    file: TrackFile
    to_lesson: TimeMap


@dataclass(frozen=True, slots=True)
class PartContent:
    """What goes into a part that lasts from `start` to `end` (Unix seconds)."""

    start: float
    end: float
    picture: Source | None
    sounds: Sequence[Source]
    codec: str  # of the picture; "opus" without one


@dataclass(frozen=True, slots=True)
class MadePart:
    """A part that stands: its file's name, type and length."""

    file: str
    mime: str
    duration_s: float
    has_video: bool
    has_audio: bool
    frames: int


def make_part(folder: Path, name: str, content: PartContent) -> MadePart | None:
    """Make the part `name` (without ending) in `folder`; None if nothing falls into it.

    Raises `StorageError` when the disk refuses, `FinishError` when the file is not what went in.
    """
    container_format = "mp4" if content.codec.lower() == "h264" else "webm"
    path = folder / f"{name}.{container_format}"
    temporary = folder / f".{name}.tmp"
    try:
        written = _write(temporary, container_format, content)
        if written.frames + written.sounds == 0:
            return None
        _verify(temporary, written)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise StorageError.from_os(error, folder) from error
    except (av.error.FFmpegError, ValueError) as error:
        raise FinishError("part-unwritable", f"{path.name}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)  # renamed, if all went well
    kind = "video" if written.frames else "audio"
    return MadePart(
        file=path.name,
        mime=f"{kind}/{container_format}",
        duration_s=written.duration_s,
        has_video=written.frames > 0,
        has_audio=written.sounds > 0,
        frames=written.frames,
    )


@dataclass(slots=True)
class _Written:
    frames: int = 0
    sounds: int = 0
    duration_s: float = 0.0


def _write(path: Path, container_format: str, content: PartContent) -> _Written:
    written = _Written()
    with ExitStack() as stack:
        picture = _opened(stack, content.picture) if content.picture else None
        sounds = [
            (source, opened)
            for source in content.sounds
            if (opened := _opened(stack, source, content.start - _STEP_BACK_S)) is not None
        ]
        frames = _peeked(picture.frames()) if picture is not None else None
        packets = _peeked(_sound_packets(sounds, content))
        if frames is None and packets is None:
            return written
        out = av.open(str(path), "w", format=container_format, options=_OPTIONS[container_format])
        stack.callback(out.close)
        flows: list[_Flow] = []
        if picture is not None and content.picture is not None and frames is not None:
            stream = out.add_stream_from_template(picture.stream, opaque=True)
            to_lesson = content.picture.to_lesson
            flows.append(
                _picture_flow(out, stream, frames, to_lesson, start=content.start, written=written)
            )
        if packets is not None:
            stream = out.add_stream_from_template(sounds[0][1].stream, opaque=True)
            flows.append(_sound_flow(out, stream, packets, written))
        for _, _, mux in heapq.merge(*flows, key=lambda item: item[:2]):
            mux()
    return written


def _opened(stack: ExitStack, source: Source, since: float = -inf) -> OpenTrackFile | None:
    return stack.enter_context(open_track_file(source.file, lambda x: source.to_lesson(x) < since))


def _peeked(items: Iterator[_T]) -> Iterator[_T] | None:
    """The same items, or None if there are none: a file must not name a stream that is empty."""
    for first in items:
        return chain([first], items)
    return None


def _picture_flow(
    out: OutputContainer,
    stream: Stream,
    frames: Iterator[StoredFrame],
    to_lesson: TimeMap,
    *,
    start: float,
    written: _Written,
) -> _Flow:
    last = -1
    for frame in frames:
        pts = max(last + 1, round((to_lesson(frame.time) - start) * PICTURE_RATE))
        last = pts
        written.frames += 1
        written.duration_s = max(written.duration_s, pts / PICTURE_RATE + LAST_FRAME_S)
        packet = _packet(bytes(frame.packet), stream, pts, PICTURE_BASE)
        packet.duration = round(LAST_FRAME_S * PICTURE_RATE)
        packet.is_keyframe = frame.packet.is_keyframe
        yield pts / PICTURE_RATE, 0, _muxing(out, packet)


def _sound_flow(
    out: OutputContainer, stream: Stream, packets: Iterator[SoundPacket], written: _Written
) -> _Flow:
    for sound in packets:
        written.sounds += 1
        end = (sound.pts + sound.samples) / RATE
        written.duration_s = max(written.duration_s, end)
        packet = _packet(sound.data, stream, sound.pts, SOUND_BASE)
        packet.duration = sound.samples
        packet.is_keyframe = True
        yield sound.pts / RATE, 1, _muxing(out, packet)


def _sound_packets(
    sounds: Sequence[tuple[Source, OpenTrackFile]], content: PartContent
) -> Iterator[SoundPacket]:
    line = SoundLine()
    for source, opened in sounds:
        for frame in opened.frames():
            at = source.to_lesson(frame.time)
            if at >= content.end + _STEP_BACK_S:
                break
            # A packet on the border belongs to the part that has more of it.
            middle = at + frame.duration / 2
            if not content.start <= middle < content.end:
                continue
            samples = round(frame.duration * RATE)
            target = round((at - content.start) * RATE)
            yield from line.place(target, samples, bytes(frame.packet))
    if line.cursor:
        yield from line.fill(round((content.end - content.start) * RATE))


def _packet(data: bytes, stream: Stream, pts: int, base: Fraction) -> Packet[Stream]:
    packet = Packet(data)
    packet.stream = stream
    packet.time_base = base
    packet.pts = packet.dts = pts
    return packet


def _muxing(out: OutputContainer, packet: Packet[Stream]) -> Callable[[], None]:
    return lambda: out.mux_one(packet)


def _verify(path: Path, written: _Written) -> None:
    """Read the file back: every frame that went in is there. Raises `FinishError`."""
    frames = sounds = 0
    try:
        with av.open(str(path)) as container:
            for packet in container.demux():
                if packet.size and not packet.is_corrupt:
                    if packet.stream.type == "video":
                        frames += 1
                    else:
                        sounds += 1
    except av.error.FFmpegError as error:
        raise FinishError("part-unreadable", f"{path.name} cannot be read back: {error}") from error
    if (frames, sounds) != (written.frames, written.sounds):
        raise FinishError(
            "part-incomplete",
            f"{path.name} holds {frames} frames and {sounds} sound packets, not "
            f"{written.frames} and {written.sounds}.",
        )
