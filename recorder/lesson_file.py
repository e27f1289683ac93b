"""Makes one file of a whole lesson: each picture and each sound is a track of its own, in step.

Run as a process of its own (`server.children.once`): what it is to make comes on standard input as
a `FileOrder`, what came of it goes to standard output as a `FileMade`. Pictures and sounds are
copied as they were recorded, at their place in the lesson; where several seats have sound, a track
with the sum of all is made, and players begin with that. Matroska, because it holds VP8, H.264 and
Opus alike, and titles of tracks.

The file is written under another name, read back, synced and renamed: one that stands there is
whole. It yields to everything else on the machine.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream

from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.opus import OpusPacket
from recorder.errors import FinishError, StorageError
from recorder.gapless_sound import RATE, GaplessSound, SoundPacket
from recorder.lesson_file_order import FileMade, FileOrder, PartOrder, TrackOrder, temporary_of
from recorder.muxing import (
    PICTURE_BASE,
    PICTURE_RATE,
    SOUND_BASE,
    Flow,
    muxing,
    new_packet,
    write_in_order,
)
from recorder.recording_folder import sync_folder
from recorder.sound_sum import BLOCK, SoundSum

_OPTIONS = {"cues_to_front": "1", "default_mode": "passthrough"}

# Speech of several rooms in one: as good as what it is made of.
_SUM_BIT_RATE = 64_000
_BLOCKS = RATE // BLOCK  # in a second


@dataclass(slots=True)
class _Track:
    """A stream of the file, and how many packets have been written to it."""

    stream: Stream
    written: int = 0


def make_lesson_file(order: FileOrder) -> FileMade:
    """Make it. Raises `StorageError` when the disk refuses, else `FinishError`."""
    temporary = temporary_of(order.path)
    try:
        written, undecoded = _write(temporary, order)
        if not written:
            raise FinishError("nothing-to-play", "None of this lesson's files can be read.")
        _verify(temporary, written)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(order.path)
        sync_folder(order.path.parent)
        return FileMade(bytes=order.path.stat().st_size, undecoded=undecoded)
    except OSError as error:
        raise StorageError.from_os(error, order.path.parent) from error
    except (av.error.FFmpegError, ValueError) as error:
        raise FinishError("lesson-file-unwritable", f"{order.path.name}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)  # renamed, if all went well


def _write(path: Path, order: FileOrder) -> tuple[list[int], int]:
    """Packets written, by stream; and how many of them the sum could not decode."""
    pictures = [one for one in order.tracks if one.kind == "picture"]
    sounds = [one for one in order.tracks if one.kind == "sound"]
    with ExitStack() as stack:
        out = av.open(str(path), "w", format="matroska", options=_OPTIONS)
        stack.callback(out.close)
        out.metadata["title"] = order.title
        tracks: list[_Track] = []
        flows: list[Flow] = []
        for one in pictures:
            tracks.append(_track_like(out, one, first=one is pictures[0]))
            flows.append(_pictures(out, tracks[-1], one.parts))
        sums = SoundSum(len(sounds)) if len(sounds) > 1 else None
        if sums is not None:
            tracks.append(_sum_track(out, order.sum_title))
            flows.append(_sum(out, tracks[-1], sums, order.duration_s))
        for seat, one in enumerate(sounds):
            tracks.append(_track_like(out, one, first=sums is None))
            flows.append(_sounds(out, tracks[-1], one.parts, seat, sums))
        write_in_order(flows)
    return [track.written for track in tracks], sums.undecoded if sums else 0


# --- pictures -----------------------------------------------------------------------------------


def _track_like(out: OutputContainer, order: TrackOrder, *, first: bool) -> _Track:
    """A new stream like its first part's; players begin with the first of its kind."""
    with _opened(order.parts[0], order.kind) as (_, source):
        stream = out.add_stream_from_template(source, opaque=True)
    stream.metadata["title"] = order.title
    stream.disposition = Disposition.default if first else Disposition(0)
    return _Track(stream)


@contextmanager
def _opened(part: PartOrder, kind: str) -> Iterator[tuple[InputContainer, Stream]]:
    """A part's picture or sound. Raises `FinishError` when the file does not have it."""
    try:
        with av.open(str(part.path)) as container:
            streams = container.streams.video if kind == "picture" else container.streams.audio
            if not streams:
                raise FinishError("part-unreadable", f"{part.path.name} has no {kind}.")
            yield container, streams[0]
    except (av.error.FFmpegError, OSError) as error:
        raise FinishError("part-unreadable", f"{part.path.name}: {error}") from error


def _pictures(out: OutputContainer, track: _Track, parts: Sequence[PartOrder]) -> Flow:
    last = -math.inf
    for part in parts:
        begins = round(part.start_s * PICTURE_RATE)
        with _opened(part, "picture") as (container, source):
            ticks = float(PICTURE_RATE * (source.time_base or 0))
            for packet in container.demux(source):
                if packet.pts is None or packet.dts is None or packet.size == 0:
                    continue
                shown = begins + round(packet.pts * ticks)
                decoded = int(max(last + 1, begins + round(packet.dts * ticks)))
                last = decoded
                copy = new_packet(bytes(packet), track.stream, max(shown, decoded), PICTURE_BASE)
                copy.dts = decoded
                copy.is_keyframe = packet.is_keyframe
                track.written += 1
                yield decoded / PICTURE_RATE, 0, muxing(out, copy)


# --- sounds -------------------------------------------------------------------------------------


def _sounds(
    out: OutputContainer,
    track: _Track,
    parts: Sequence[PartOrder],
    seat: int,
    sums: SoundSum | None,
) -> Flow:
    for sound in sounds_of(parts):
        packet = new_packet(sound.data, track.stream, sound.pts, SOUND_BASE)
        packet.duration = sound.samples
        packet.is_keyframe = True
        track.written += 1
        yield sound.pts / RATE, 1, partial(_write_sound, out, packet, sound, seat, sums)


def _write_sound(
    out: OutputContainer,
    packet: Packet[Stream],
    sound: SoundPacket,
    seat: int,
    sums: SoundSum | None,
) -> None:
    out.mux_one(packet)
    if sums is not None:
        sums.add(seat, sound)


def sounds_of(parts: Sequence[PartOrder]) -> Iterator[SoundPacket]:
    """A seat's sound from the lesson's beginning on, without holes."""
    gapless = GaplessSound()
    for part in parts:
        with _opened(part, "sound") as (container, source):
            tick_s = float(source.time_base or 0)
            for packet in container.demux(source):
                if packet.pts is None or packet.size == 0:
                    continue
                data = bytes(packet)
                try:
                    samples = OpusPacket.parse(data).samples
                except MalformedPacketError:
                    continue  # it cannot be played
                at = part.start_s + packet.pts * tick_s
                yield from gapless.place(round(at * RATE), samples, data)


def _sum_track(out: OutputContainer, title: str) -> _Track:
    stream = out.add_stream("libopus", rate=RATE, layout="mono")
    stream.bit_rate = _SUM_BIT_RATE
    stream.metadata["title"] = title
    stream.disposition = Disposition.default
    return _Track(stream)


def _sum(out: OutputContainer, track: _Track, sums: SoundSum, duration_s: float) -> Flow:
    left = math.ceil(duration_s * RATE / BLOCK)
    for number in range(math.ceil(duration_s)):
        blocks = min(left - number * _BLOCKS, _BLOCKS)
        # All that reach into it began before it is over.
        yield number + 1, 2, partial(_write_second, out, track, sums, number, blocks)
    yield math.inf, 2, partial(_end_sum, out, track)


def _write_second(
    out: OutputContainer, track: _Track, sums: SoundSum, number: int, blocks: int
) -> None:
    assert isinstance(track.stream, AudioStream)  # `_sum_track` made it
    samples = np.rint(sums.second() * 32_767).astype(np.int16)
    for at in range(0, blocks * BLOCK, BLOCK):
        frame = AudioFrame.from_ndarray(samples[None, at : at + BLOCK], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.time_base = SOUND_BASE
        frame.pts = number * RATE + at
        _mux_all(out, track, track.stream.encode(frame))


def _end_sum(out: OutputContainer, track: _Track) -> None:
    assert isinstance(track.stream, AudioStream)  # as above
    _mux_all(out, track, track.stream.encode(None))


def _mux_all(out: OutputContainer, track: _Track, packets: Sequence[Packet[Stream]]) -> None:
    for packet in packets:
        track.written += 1
        out.mux_one(packet)


# --- reading back -------------------------------------------------------------------------------


def _verify(path: Path, written: Sequence[int]) -> None:
    """Every packet that went in is there. Raises `FinishError`."""
    found = [0] * len(written)
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size and not packet.is_corrupt:
                found[packet.stream.index] += 1
    if found != list(written):
        raise FinishError("lesson-file-incomplete", f"{path.name} holds {found}, not {written}.")


# --- the process --------------------------------------------------------------------------------


def answer_to(data: bytes) -> FileMade:
    """What came of an order."""
    try:
        return make_lesson_file(FileOrder.model_validate_json(data))
    except (FinishError, StorageError) as error:
        return FileMade(code=error.code, text=str(error))


def main() -> None:
    """An order on standard input, what came of it on standard output."""
    with open(0, "rb", closefd=False) as question:
        made = answer_to(question.read())
    with open(1, "wb", closefd=False) as told:
        told.write(made.model_dump_json().encode())
