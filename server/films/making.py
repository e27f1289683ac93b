"""Makes the film of a recorded lesson: an MP4 with one picture and one sound.

Run as a process of its own (`server.children.once`): a `FilmOrder` comes on standard input, what
came of it goes to standard output as a `FileMade`; how far it is stands in a file beside. Where the
whole lesson's program was recorded, its picture is copied. Else the picture is composed as a
program is live: the journal's choices through the same director, layouts and drawing
(`mixer.composite`), in virtual time, as fast as the machine has time for. The sound is the sum of
all rooms' as AAC, which every player has.

The file is written under another name, read back, synced and renamed; nothing of it is kept when it
is cut short, and it is made from the beginning then.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.frame import PictureType

from mixer.composite.arrange import PictureId, Tile
from mixer.composite.compositor import Compositor
from mixer.composite.lettering import Lettering
from mixer.composite.picture import Picture
from mixer.composite.process.picture_encoder import FrameBuffer
from mixer.composite.process.stage import Stage
from recorder.errors import FinishError, RecorderError, StorageError
from recorder.gapless_sound import RATE, SoundPacket
from recorder.lesson_file import sounds_of
from recorder.lesson_file_order import (
    FileMade,
    PartOrder,
    share_aside_of,
    share_file_of,
    temporary_of,
)
from recorder.lesson_tracks import lesson_tracks
from recorder.manifest import Manifest, Part, manifest_from
from recorder.muxing import PICTURE_BASE, PICTURE_RATE, new_packet
from recorder.recording_folder import sync_folder
from recorder.sound_sum import SoundSum
from server.films.order import FilmOrder
from server.films.pictures import PartPictures
from server.films.scenes import scenes_of

WIDTH, HEIGHT = 1280, 720
# A class that is looked at afterwards moves well enough so; half of what 25 cost.
FRAMES_PER_S = 15
# Where nothing moves a picture a second is written: players seek and stop at one.
STILL_S = 1.0
KEYFRAME_S = 4.0
# A program that was on for less than this of the lesson is no film of it.
WHOLE = 0.98

_QUALITY = {"preset": "veryfast", "crf": "25", "profile": "high"}
_CAP_BPS = 1_500_000
_SOUND_BPS = 96_000
_AAC_FRAME = 1024  # samples (ISO/IEC 14496-3 §4.5.2.1)

Tell = Callable[[float], None]


def make_film(order: FilmOrder, tell: Tell = lambda _share: None) -> FileMade:
    """Make it. `tell` is given how far it is, from 0 to 1.

    Raises `StorageError` when the disk refuses, `ManifestError`, else `FinishError`.
    """
    manifest = manifest_from(order.manifest, where="the order")
    if manifest.duration_s <= 0 or not any(part.has_video for part in manifest.parts):
        raise FinishError("nothing-to-play", "Nothing of this lesson can be seen.")
    temporary = temporary_of(order.path)
    try:
        made = _Film(temporary, order, manifest).make(tell)
        _verify(temporary, made)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(order.path)
        sync_folder(order.path.parent)
        return FileMade(bytes=order.path.stat().st_size, undecoded=made.undecoded)
    except OSError as error:
        raise StorageError.from_os(error, order.path.parent) from error
    except (av.error.FFmpegError, ValueError) as error:
        raise FinishError("film-unwritable", f"{order.path.name}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)  # renamed, if all went well


class _Film:
    """A film on its way. `pictures` and `sounds` count what was written."""

    def __init__(self, path: Path, order: FilmOrder, manifest: Manifest) -> None:
        self._path = path
        self._order = order
        self._manifest = manifest
        self.program = program_of(manifest)
        self.pictures = self.sounds = self.undecoded = 0

    def make(self, tell: Tell) -> _Film:
        """Write all of it, a second of the lesson at a time."""
        program = self.program
        begins = program.start_s if program else 0.0
        duration_s = program.duration_s if program else self._manifest.duration_s
        with ExitStack() as stack:
            options = {"movflags": "+faststart"}
            out = av.open(str(self._path), "w", format="mp4", options=options)
            stack.callback(out.close)
            out.metadata["title"] = self._order.title
            if program:
                pictures = self._copied(stack, out, program)
            else:
                pictures = self._composed(stack, out, duration_s)
            sounds = self._sounds(out, begins, duration_s)
            for second in range(1, math.ceil(duration_s) + 1):
                for flow in (pictures, sounds):
                    _until(flow, second)
                tell(second / duration_s)
            for flow in (pictures, sounds):
                _until(flow, math.inf)
        return self

    # --- pictures -----------------------------------------------------------------------------

    def _copied(self, stack: ExitStack, out: OutputContainer, part: Part) -> Iterator[float]:
        source = stack.enter_context(av.open(str(self._order.parts[part.file])))
        stream = source.streams.video[0]
        target = out.add_stream_from_template(stream, opaque=True)
        ticks = float(PICTURE_RATE * (stream.time_base or 0))

        def flow() -> Iterator[float]:
            for packet in source.demux(stream):
                if packet.pts is None or packet.dts is None or not packet.size:
                    continue
                shown, decoded = round(packet.pts * ticks), round(packet.dts * ticks)
                yield decoded / PICTURE_RATE
                copy = new_packet(bytes(packet), target, shown, PICTURE_BASE)
                copy.dts = decoded
                copy.is_keyframe = packet.is_keyframe
                self.pictures += 1
                out.mux_one(copy)

        return flow()

    def _composed(
        self, stack: ExitStack, out: OutputContainer, duration_s: float
    ) -> Iterator[float]:
        stream: Any = out.add_stream("libx264", rate=FRAMES_PER_S)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = PICTURE_BASE
        stream.codec_context.gop_size = round(KEYFRAME_S * FRAMES_PER_S)
        stream.codec_context.thread_count = 1
        stream.codec_context.options = _QUALITY | {
            "maxrate": str(_CAP_BPS),
            "bufsize": str(2 * _CAP_BPS),
        }
        composed = Composed(self._manifest, self._order.parts)
        stack.callback(composed.close)
        buffer = FrameBuffer(WIDTH, HEIGHT)
        compositor = Compositor(WIDTH, HEIGHT, Lettering(), buffer.canvas)

        def write(packets: Sequence[Any]) -> None:
            for packet in packets:
                self.pictures += 1
                out.mux_one(packet)

        def flow() -> Iterator[float]:
            key_at = drawn_at = -math.inf
            for number in range(math.ceil(duration_s * FRAMES_PER_S)):
                at = number / FRAMES_PER_S
                yield at
                composed.draw(compositor, at)
                if not compositor.compose() and at - drawn_at < STILL_S:
                    continue
                buffer.frame.pts = round(at * PICTURE_RATE)
                buffer.frame.time_base = PICTURE_BASE
                due = at - key_at >= KEYFRAME_S
                buffer.frame.pict_type = PictureType.I if due else PictureType.NONE
                key_at, drawn_at = at if due else key_at, at
                write(stream.encode(buffer.frame))
            write(stream.encode(None))
            self.undecoded += composed.undecodable_packets

        return flow()

    # --- the sound ----------------------------------------------------------------------------

    def _sounds(self, out: OutputContainer, begins: float, duration_s: float) -> Iterator[float]:
        stream: Any = out.add_stream("aac", rate=RATE, layout="mono")
        stream.bit_rate = _SOUND_BPS
        seats = [
            sounds_of(
                [
                    PartOrder(path=self._order.parts[p.file], start_s=p.start_s - begins)
                    for p in parts
                ]
            )
            for parts in self._heard()
        ]

        def write(packets: Sequence[Any]) -> None:
            for packet in packets:
                self.sounds += 1
                out.mux_one(packet)

        def flow() -> Iterator[float]:
            sums, left = SoundSum(len(seats)), np.zeros(0, np.float32)
            waiting: list[SoundPacket | None] = [next(seat, None) for seat in seats]
            encoded, whole = 0, math.ceil(duration_s * RATE)
            for second in range(math.ceil(duration_s)):
                yield second
                for seat, packets in enumerate(seats):
                    packet = waiting[seat]
                    while packet is not None and packet.pts < (second + 1) * RATE:
                        sums.add(seat, packet)
                        packet = next(packets, None)
                    waiting[seat] = packet
                left = np.concatenate([left, sums.second()])[: whole - encoded]
                while len(left) >= _AAC_FRAME:
                    block, left = left[:_AAC_FRAME], left[_AAC_FRAME:]
                    write(stream.encode(_sound_frame(block, encoded)))
                    encoded += _AAC_FRAME
            if len(left):
                padded = np.pad(left, (0, _AAC_FRAME - len(left)))
                write(stream.encode(_sound_frame(padded, encoded)))
            write(stream.encode(None))
            self.undecoded += sums.undecoded

        return flow()

    def _heard(self) -> list[tuple[Part, ...]]:
        """The parts of each seat's sound; with a program's picture, its own sound alone."""
        if self.program is not None:
            return [(self.program,)] if self.program.has_audio else []
        return [one.parts for one in lesson_tracks(self._manifest) if one.kind == "sound"]


class Composed:
    """What the program would have shown, at each moment: `draw` it in the order of time."""

    def __init__(self, manifest: Manifest, files: Mapping[str, Path]) -> None:
        self._files = files
        self._parts = [part for part in manifest.parts if part.has_video and not part.is_program]
        self._scenes = list(scenes_of(manifest))
        self._stage = Stage(WIDTH, HEIGHT, 0.0)
        self._tiles: tuple[Tile, ...] = ()
        self._open: dict[str, PartPictures | None] = {}  # None: it cannot be read
        self._shown: dict[PictureId, str] = {}  # by which part
        self.undecodable_packets = 0

    def close(self) -> None:
        """Let go of all files."""
        for file in list(self._open):
            self._let_go(file)

    def draw(self, compositor: Compositor, at_s: float) -> None:
        """Tell the compositor what is new at this moment."""
        while self._scenes and self._scenes[0][0] <= at_s:
            self._stage.handle_scene(self._scenes.pop(0)[1], at_s)
            for seat_id, marks in self._stage.marks().items():
                compositor.mark(seat_id, marks)
        pictures = self._pictures(compositor, at_s)
        self._stage.handle_pictures(pictures, at_s)
        shown = self._stage.poll(at_s)
        if shown is not None:
            self._tiles = shown.tiles
            compositor.lay_out(shown.tiles, self._stage.title)
            pictures |= self._pictures(compositor, at_s)
        for picture_id, picture in pictures.items():
            compositor.show(picture_id, picture)

    def _pictures(self, compositor: Compositor, at_s: float) -> dict[PictureId, Picture]:
        """What is new of what stands somewhere, and of a shared screen."""
        wanted = {tile.picture for tile in self._tiles}
        new = {}
        for part in self._parts:
            covers = part.start_s <= at_s < part.start_s + part.duration_s
            picture_id = PictureId(part.seat_id, part.source)
            if not covers:
                if part.file in self._open:
                    self._let_go(part.file)
                    if self._shown.get(picture_id) == part.file:
                        del self._shown[picture_id]
                        compositor.forget(picture_id)
            elif picture_id in wanted or part.source == "screen":
                found = self._of(part)
                picture = found.until(at_s - part.start_s) if found else None
                if picture is not None:
                    new[picture_id] = picture
                    self._shown[picture_id] = part.file
        return new

    def _of(self, part: Part) -> PartPictures | None:
        if part.file not in self._open:
            try:
                self._open[part.file] = PartPictures(self._files[part.file])
            except (av.error.FFmpegError, OSError, KeyError):
                self._open[part.file] = None
        return self._open[part.file]

    def _let_go(self, file: str) -> None:
        pictures = self._open.pop(file, None)
        if pictures is not None:
            self.undecodable_packets += pictures.undecodable_packets
            pictures.close()


def program_of(manifest: Manifest) -> Part | None:
    """The one part that is the program of the whole lesson, if it can be copied."""
    found = [part for part in manifest.parts if part.is_program and part.has_video]
    if len(found) != 1 or not found[0].file.endswith(".mp4"):
        return None
    return found[0] if found[0].duration_s >= WHOLE * manifest.duration_s else None


def _until(flow: Iterator[float], second: float) -> None:
    """Let it write all that is before this second."""
    for at in flow:
        if at >= second:
            return


def _sound_frame(block: np.ndarray, at: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(block[None, :]), "fltp", "mono")
    frame.sample_rate = RATE
    frame.time_base = Fraction(1, RATE)
    frame.pts = at
    return frame


def _verify(path: Path, film: _Film) -> None:
    """Every packet that went in is there. Raises `FinishError`."""
    found = {"video": 0, "audio": 0}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size and not packet.is_corrupt:
                found[packet.stream.type] += 1
    if not film.pictures or (found["video"], found["audio"]) != (film.pictures, film.sounds):
        raise FinishError(
            "film-incomplete",
            f"{path.name} holds {found}, not {film.pictures} pictures and {film.sounds} sounds.",
        )


# --- the process --------------------------------------------------------------------------------


def answer_to(data: bytes, tell: Tell = lambda _share: None) -> FileMade:
    """What came of an order."""
    try:
        return make_film(FilmOrder.model_validate_json(data), tell)
    except (FinishError, StorageError) as error:
        return FileMade(code=error.code, text=str(error))
    except RecorderError as error:
        return FileMade(code="film-failed", text=str(error))


class ShareFile:
    """Writes how far it is, whenever that is a hundredth more."""

    def __init__(self, path: Path) -> None:
        self._path, self._aside = share_file_of(path), share_aside_of(path)
        self._told = 0.0

    def tell(self, share: float) -> None:
        """From 0 to 1. What the disk refuses is not told."""
        if share - self._told < 0.01:
            return
        self._told = share
        with contextlib.suppress(OSError):
            self._aside.write_text(f"{share:.3f}", encoding="ascii")
            self._aside.rename(self._path)


def main() -> None:
    """An order on standard input, what came of it on standard output."""
    cv2.setNumThreads(1)  # it yields to what is live
    with open(0, "rb", closefd=False) as question:
        data = question.read()
    path = FilmOrder.model_validate_json(data).path
    made = answer_to(data, ShareFile(path).tell)
    with open(1, "wb", closefd=False) as told:
        told.write(made.model_dump_json().encode())
