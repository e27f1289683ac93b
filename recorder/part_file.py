"""Makes one file for the player: a picture's frames and a seat's sound, copied, in step, seekable.

H.264, with Opus or without, makes a fragmented MP4 with its index in front (`segmented_part`) and a
playlist beside it; VP8 and Opus (or Opus alone) a WebM with its cues in front. The file is written
under another name, read back, synced and renamed: a part that stands there is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from math import inf
from pathlib import Path
from typing import TypeVar

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.stream import Stream

from mixer.boxes import BoxError
from recorder.errors import FinishError, StorageError
from recorder.gapless_sound import RATE, SoundPacket
from recorder.lesson_time import TimeMap, places
from recorder.muxing import (
    PICTURE_BASE,
    PICTURE_RATE,
    SOUND_BASE,
    Flow,
    muxing,
    new_packet,
    write_in_order,
)
from recorder.part_sound import STEP_BACK_S, HeardPacket, packets_of, sound_packets
from recorder.playlist import playlist
from recorder.samples import Samples, read_samples
from recorder.segmented_part import (
    Pictures,
    PictureTime,
    SegmentedFile,
    count_samples,
    write_segmented,
)
from recorder.track_reader import (
    LAST_FRAME_S,
    OpenTrackFile,
    StoredFrame,
    TrackFile,
    open_track_file,
)

PLAYLIST_SUFFIX = ".m3u8"

_T = TypeVar("_T")

_WEBM_OPTIONS = {"cues_to_front": "1"}


@dataclass(frozen=True, slots=True)
class TimedTrack:
    """A track's file and the map from its track time to Unix time."""

    file: TrackFile
    to_lesson: TimeMap


@dataclass(frozen=True, slots=True)
class PartContent:
    """What goes into a part that lasts from `start` to `end` (Unix seconds).

    A picture that is `cut` may reach beyond both: what is shown between them is taken. From
    `picture_end` on another part has the picture.
    """

    start: float
    end: float
    picture: TimedTrack | None
    sounds: Sequence[TimedTrack]
    codec: str  # of the picture; "opus" without one
    cut: bool = False
    picture_end: float = inf


@dataclass(frozen=True, slots=True)
class MadePart:
    """A part that stands: its file's name, type and length. `codecs`, `playlist` and `index_bytes`
    as in the manifest.
    """

    file: str
    mime: str
    duration_s: float
    has_video: bool
    has_audio: bool
    frames: int
    codecs: str = ""
    playlist: str = ""
    index_bytes: int = 0


def make_part(folder: Path, name: str, content: PartContent) -> MadePart | None:
    """Make the part `name` (without ending) in `folder`; None if nothing falls into it.

    Raises `StorageError` when the disk refuses, `FinishError` when the file is not what went in.
    """
    is_segmented = content.codec.lower() == "h264"
    container_format = "mp4" if is_segmented else "webm"
    path = folder / f"{name}.{container_format}"
    temporary = folder / f".{name}.tmp"
    try:
        written = _write_mp4(temporary, content) if is_segmented else _write(temporary, content)
        if written.frames + written.sounds == 0:
            return None
        _verify(temporary, written)
        _sync(temporary)
        temporary.rename(path)
        if written.segmented is not None:
            temporary.write_text(playlist(path.name, written.segmented), encoding="utf-8")
            _sync(temporary)
            temporary.rename(path.with_suffix(PLAYLIST_SUFFIX))
    except OSError as error:
        raise StorageError.from_os(error, folder) from error
    except (av.error.FFmpegError, BoxError, ValueError) as error:
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
        codecs=written.segmented.codecs if written.segmented else "",
        playlist=path.with_suffix(PLAYLIST_SUFFIX).name if written.segmented else "",
        index_bytes=written.segmented.index_bytes if written.segmented else 0,
    )


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@dataclass(slots=True)
class _Written:
    frames: int = 0
    sounds: int = 0
    duration_s: float = 0.0
    segmented: SegmentedFile | None = None


def _write_mp4(path: Path, content: PartContent) -> _Written:
    picture = content.picture
    samples = read_samples(picture.file.path) if picture is not None else None
    if picture is None or samples is None or not len(samples):
        return _Written()
    track_times = (picture.file.rtp + samples.shown) / picture.file.clock_rate
    start = content.start
    placed = places(picture.to_lesson, track_times)
    if content.cut:
        until = min(content.end, content.picture_end)
        samples, placed = _between(samples, placed, start, until)
        if not len(samples):
            return _Written()
    elif content.picture_end < inf:
        taken = sum(at < content.picture_end for at in placed)
        samples, placed = samples.part(0, taken), placed[:taken]
    times = decoding_order([round((at - start) * PICTURE_RATE) for at in placed])
    with ExitStack() as stack:
        heard = [
            (track, of_sound)
            for track in content.sounds
            if (of_sound := read_samples(track.file.path)) is not None and len(of_sound)
        ]
        since = start - STEP_BACK_S
        packets = _peeked(
            sound_packets(
                (packets_of(stack, t.file, s, t.to_lesson, since) for t, s in heard),
                start,
                content.end,
            )
        )
        written = write_segmented(
            path,
            Pictures(picture.file.path, samples, times, LAST_FRAME_S),
            packets,
            heard[0][1].header if heard else b"",
            content.end - start,
        )
    return _Written(written.frames, written.sounds, written.duration_s, written)


def _between(
    samples: Samples, placed: Sequence[float], start: float, end: float
) -> tuple[Samples, list[float]]:
    """From the last keyframe that is shown by `start` (else the first) to what is shown at `end`.

    What is shown before `start` is decoded at once with what follows: nobody sees it.
    """
    shown = np.asarray(placed)
    keys = np.flatnonzero(samples.key)
    before = keys[shown[keys] <= start]
    first = int(before[-1] if len(before) else keys[0]) if len(keys) else len(shown)
    last = first + int(np.count_nonzero(shown[first:] < end))
    return samples.part(first, last), [float(at) for at in shown[first:last]]


def _write(path: Path, content: PartContent) -> _Written:
    written = _Written()
    with ExitStack() as stack:
        picture = _opened(stack, content.picture) if content.picture else None
        sounds = [
            (track, opened)
            for track in content.sounds
            if (opened := _opened(stack, track, content.start - STEP_BACK_S)) is not None
        ]
        frames = _peeked(picture.frames()) if picture is not None else None
        heard = (_heard(track, opened) for track, opened in sounds)
        packets = _peeked(sound_packets(heard, content.start, content.end))
        if frames is None and packets is None:
            return written
        out = av.open(str(path), "w", format="webm", options=_WEBM_OPTIONS)
        stack.callback(out.close)
        flows: list[Flow] = []
        if picture is not None and content.picture is not None and frames is not None:
            stream = out.add_stream_from_template(picture.stream, opaque=True)
            times = _picture_times(content.picture, content.start)
            until = (content.picture_end - content.start) * PICTURE_RATE
            times = [one for one in times if one.shown < until]
            flows.append(_picture_flow(out, stream, frames, times, written=written))
        if packets is not None:
            stream = out.add_stream_from_template(sounds[0][1].stream, opaque=True)
            flows.append(_sound_flow(out, stream, packets, written))
        write_in_order(flows)
    return written


def _opened(stack: ExitStack, track: TimedTrack, since: float = -inf) -> OpenTrackFile | None:
    return stack.enter_context(open_track_file(track.file, lambda x: track.to_lesson(x) < since))


def _peeked(items: Iterator[_T]) -> Iterator[_T] | None:
    """The same items, or None if there are none: a file must not name a stream that is empty."""
    for first in items:
        return chain([first], items)
    return None


def _picture_flow(
    out: OutputContainer,
    stream: Stream,
    frames: Iterator[StoredFrame],
    times: Sequence[PictureTime],
    *,
    written: _Written,
) -> Flow:
    for frame, time in zip(frames, times, strict=False):
        written.frames += 1
        written.duration_s = max(written.duration_s, time.shown / PICTURE_RATE + LAST_FRAME_S)
        packet = new_packet(bytes(frame.packet), stream, time.shown, PICTURE_BASE)
        packet.dts = time.decoded
        packet.duration = round(LAST_FRAME_S * PICTURE_RATE)
        packet.is_keyframe = frame.packet.is_keyframe
        yield time.decoded / PICTURE_RATE, 0, muxing(out, packet)


def _picture_times(track: TimedTrack, start: float) -> list[PictureTime]:
    """Of every picture in the file, in its order."""
    with open_track_file(track.file) as opened:
        at = [] if opened is None else [frame.time for frame in opened.frames()]
    return decoding_order([round((track.to_lesson(x) - start) * PICTURE_RATE) for x in at])


def decoding_order(times: Sequence[int]) -> list[PictureTime]:
    """Times at which pictures that come in this order are shown, no two at one time, and decoded.

    Pictures are decoded at the times at which pictures are shown, all so much earlier that none is
    shown before it is decoded. In order, as live senders send them, both are one.
    """
    places = sorted(range(len(times)), key=times.__getitem__)
    shown = list(times)
    last = -1
    for place in places:
        last = shown[place] = max(last + 1, times[place])
    in_order = [shown[place] for place in places]
    ahead = max((a - b for a, b in zip(in_order, shown, strict=True)), default=0)
    return [PictureTime(a, b - ahead) for a, b in zip(shown, in_order, strict=True)]


def _sound_flow(
    out: OutputContainer, stream: Stream, packets: Iterator[SoundPacket], written: _Written
) -> Flow:
    for sound in packets:
        written.sounds += 1
        end = (sound.pts + sound.samples) / RATE
        written.duration_s = max(written.duration_s, end)
        packet = new_packet(sound.data, stream, sound.pts, SOUND_BASE)
        packet.duration = sound.samples
        packet.is_keyframe = True
        yield sound.pts / RATE, 1, muxing(out, packet)


def _heard(track: TimedTrack, opened: OpenTrackFile) -> Iterator[HeardPacket]:
    for frame in opened.frames():
        yield HeardPacket(track.to_lesson(frame.time), frame.duration, bytes(frame.packet))


def _verify(path: Path, written: _Written) -> None:
    """Read the file back: every frame that went in is there. Raises `FinishError`."""
    if written.segmented is not None:
        _compare(path, count_samples(path), written)
        return
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
    _compare(path, (frames, sounds), written)


def _compare(path: Path, found: tuple[int, int], written: _Written) -> None:
    if found != (written.frames, written.sounds):
        raise FinishError(
            "part-incomplete",
            f"{path.name} holds {found[0]} frames and {found[1]} sound packets, not "
            f"{written.frames} and {written.sounds}.",
        )
