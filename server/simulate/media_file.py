"""A media file in place of the drawn classroom: played over and over, marked like any seat.

Owns reading with PyAV. Pictures keep their shape (bars fill the rest); the seat's mark is written
over the lower edge, so that such a seat is recognised as the drawn ones are.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from server.simulate.errors import MediaFileRefused
from server.simulate.identity import Mark, write_mark
from server.simulate.scene import Picture
from server.simulate.tracks import FRAME_SAMPLES
from server.simulate.voice import SAMPLE_RATE, Sound

# When decoding is slower than real time, catch up over several pictures, not in one long call.
_MOST_FRAMES_A_CALL = 30
# A seat that was starved for a second goes on reading; one that comes back later looks it up.
_MOST_SKIPPED_PIECES = 50

PIECES_PER_S = SAMPLE_RATE // FRAME_SAMPLES


def check_media_file(path: Path) -> tuple[bool, bool]:
    """Whether the file has a picture and a sound. Raises `MediaFileRefused` when it has neither."""
    try:
        with av.open(str(path)) as container:
            kinds = bool(container.streams.video), bool(container.streams.audio)
    except (OSError, av.FFmpegError) as error:
        raise MediaFileRefused(
            f"{path} cannot be played: {error}", f"无法播放 {path}：{error}"
        ) from None
    if not any(kinds):
        raise MediaFileRefused(
            f"{path} holds neither picture nor sound", f"{path} 中既没有画面，也没有声音"
        )
    return kinds


def film_length_s(path: Path) -> float:
    """How long one round of the file is: whole 20 ms, the same for its picture and its sound."""
    with _opened(path) as container:
        length_s = (container.duration or 0) / av.time_base
        if not length_s:  # a stream that does not say: to the end of its last packet
            for packet in container.demux():
                if packet.pts is not None and packet.time_base is not None:
                    end = (packet.pts + (packet.duration or 0)) * packet.time_base
                    length_s = max(length_s, float(end))
    return max(1, math.ceil(round(length_s * PIECES_PER_S, 6))) / PIECES_PER_S


class FilePictures:
    """The file's first picture stream at this size, without end."""

    def __init__(self, path: Path, *, identity: int, width: int, height: int) -> None:
        self._path = path
        self._identity = identity
        self._size = (width, height)
        self._length_s = film_length_s(path)
        self._frames: Iterator[tuple[float, av.VideoFrame]] | None = None
        self._next: tuple[float, av.VideoFrame]
        self._shown: Picture

    def picture(self, counter: int, *, at: float = 0.0, hand: bool = False) -> Picture:
        """What the film shows at `at` seconds, with its mark. A file raises no hands."""
        if self._frames is None:
            self._frames = _looped_frames(self._path, self._length_s, at)
            self._shown = self._fitted(next(self._frames)[1])
            self._next = next(self._frames)
        latest = None
        for _ in range(_MOST_FRAMES_A_CALL):
            if self._next[0] > at:
                break
            latest, self._next = self._next[1], next(self._frames)
        if latest is not None:
            self._shown = self._fitted(latest)
        picture = self._shown.copy()
        write_mark(picture[: self._size[1]], Mark(self._identity, counter))
        return picture

    def _fitted(self, frame: av.VideoFrame) -> Picture:
        """The frame as large as it fits, centred on black, as I420."""
        width, height = self._size
        scale = min(width / frame.width, height / frame.height)
        wide = max(2, int(frame.width * scale) // 2 * 2)
        high = max(2, int(frame.height * scale) // 2 * 2)
        small = frame.reformat(wide, high, format="yuv420p").to_ndarray()
        if (wide, high) == (width, height):
            return np.asarray(small, dtype=np.uint8)
        luma = np.full((height, width), 16, dtype=np.uint8)
        left, top = (width - wide) // 4 * 2, (height - high) // 4 * 2
        luma[top : top + high, left : left + wide] = small[:high]
        chroma = np.full((2, height // 2, width // 2), 128, dtype=np.uint8)
        inner = small[high:].reshape(2, high // 2, wide // 2)
        rows, columns = slice(top // 2, (top + high) // 2), slice(left // 2, (left + wide) // 2)
        chroma[:, rows, columns] = inner
        return np.concatenate((luma.reshape(-1), chroma.reshape(-1))).reshape(-1, width)


class FileSound:
    """The file's first sound stream as 20 ms mono pieces at 48 kHz, without end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._length_s = film_length_s(path)
        self._pieces: Iterator[Sound] = iter(())
        self._next: int | None = None  # the piece that comes next

    def samples(self, index: int) -> Sound:
        """What the film says in its `index`-th 20 ms."""
        if self._next is None or not 0 <= index - self._next <= _MOST_SKIPPED_PIECES:
            self._pieces = _looped_sound(self._path, self._length_s, index / PIECES_PER_S)
            self._next = index
        piece = next(self._pieces)
        while self._next < index:
            piece, self._next = next(self._pieces), self._next + 1
        self._next += 1
        return piece


def _looped_frames(path: Path, length_s: float, at: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """Every picture with its time, from about `at` on; each round's times go on from the last."""
    round_began = at // length_s * length_s
    while True:
        any_frame = False
        with _opened(path) as container:
            _seek(container, max(0.0, at - round_began))
            for frame in container.decode(video=0):
                any_frame = True
                if (frame.time or 0.0) < length_s:
                    yield round_began + (frame.time or 0.0), frame
        if not any_frame:
            raise MediaFileRefused(
                f"{path} has a picture stream without pictures", f"{path} 的画面流中没有画面"
            )
        round_began += length_s


def _looped_sound(path: Path, length_s: float, at: float) -> Iterator[Sound]:
    """20 ms after 20 ms from `at` on; where the file has no sound there is silence."""
    done = round(at % length_s * SAMPLE_RATE)
    total = round(length_s * SAMPLE_RATE)
    while True:
        with _opened(path) as container:
            _seek(container, done / SAMPLE_RATE)
            rest = np.zeros(0, dtype=np.int16)
            for begins, samples in _resampled(container):
                late = begins - done - len(rest)
                padded = np.zeros(max(0, late), dtype=np.int16)
                rest = np.concatenate((rest, padded, samples[max(0, -late) :]))
                rest = rest[: total - done]
                while len(rest) >= FRAME_SAMPLES:
                    yield rest[:FRAME_SAMPLES]
                    rest, done = rest[FRAME_SAMPLES:], done + FRAME_SAMPLES
        while done < total:
            piece = np.zeros(FRAME_SAMPLES, dtype=np.int16)
            piece[: len(rest)] = rest[:FRAME_SAMPLES]
            yield piece
            rest, done = rest[FRAME_SAMPLES:], done + FRAME_SAMPLES
        done = 0


def _resampled(container: av.container.InputContainer) -> Iterator[tuple[int, Sound]]:
    """(where it begins, samples) of the file's sound, mono at 48 kHz."""
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
    begins: int | None = None
    for frame in container.decode(audio=0):
        if begins is None:
            begins = round((frame.time or 0.0) * SAMPLE_RATE)
        for piece in resampler.resample(frame):
            yield begins, np.asarray(piece.to_ndarray()[0], dtype=np.int16)
            begins += piece.samples


def _seek(container: av.container.InputContainer, at: float) -> None:
    """To what comes before `at`; a file that cannot seek is read from its beginning."""
    if at > 0:
        with contextlib.suppress(av.FFmpegError):
            container.seek(round(at * av.time_base), backward=True)


def _opened(path: Path) -> av.container.InputContainer:
    try:
        return av.open(str(path))
    except (OSError, av.FFmpegError) as error:
        raise MediaFileRefused(
            f"{path} cannot be played: {error}", f"无法播放 {path}：{error}"
        ) from None


def _unplayable(path: Path, error: Exception) -> MediaFileRefused:
    return MediaFileRefused(f"{path} cannot be played: {error}", f"无法播放 {path}：{error}")
