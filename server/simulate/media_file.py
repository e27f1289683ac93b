"""A media file in place of the drawn classroom: played over and over, marked like any seat.

Owns reading with PyAV. Pictures keep their shape (bars fill the rest); the seat's mark is written
over the lower edge, so that such a seat is recognised as the drawn ones are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from server.simulate.errors import MediaFileRefused
from server.simulate.identity import Mark, counter_step, write_mark
from server.simulate.scene import Picture
from server.simulate.tracks import FRAME_SAMPLES
from server.simulate.voice import SAMPLE_RATE, Sound

# When decoding is slower than real time, catch up over several pictures, not in one long call.
_MOST_FRAMES_A_CALL = 30


def check_media_file(path: Path) -> tuple[bool, bool]:
    """Whether the file has a picture and a sound. Raises `MediaFileRefused` when it has neither."""
    try:
        with av.open(str(path)) as container:
            kinds = bool(container.streams.video), bool(container.streams.audio)
    except (OSError, av.FFmpegError) as error:
        raise MediaFileRefused(f"{path} cannot be played: {error}") from None
    if not any(kinds):
        raise MediaFileRefused(f"{path} holds neither picture nor sound")
    return kinds


class FilePictures:
    """The file's first picture stream at this size and frame rate, without end."""

    def __init__(
        self, path: Path, *, identity: int, width: int, height: int, frame_rate: float
    ) -> None:
        self._identity = identity
        self._size = (width, height)
        self._frame_rate = frame_rate
        self._frames = _looped_frames(path)
        self._next = next(self._frames)
        self._shown = self._fitted(self._next[1])
        self._last: int | None = None
        self._time_s = 0.0

    def picture(self, counter: int, *, hand: bool = False) -> Picture:
        """The picture at this count of frames, with its mark. A file raises no hands."""
        if self._last is not None:
            self._time_s += max(0, counter_step(self._last, counter)) / self._frame_rate
        self._last = counter
        latest = None
        for _ in range(_MOST_FRAMES_A_CALL):
            if self._next[0] > self._time_s:
                break
            latest = self._next[1]
            self._next = next(self._frames)
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
        self._pieces = _looped_sound(path)

    def samples(self, index: int) -> Sound:
        """The next piece; `index` only counts them."""
        return next(self._pieces)


def _looped_frames(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Every picture with its time, the next round's times going on where the last ended."""
    base_s = 0.0
    while True:
        last_s = base_s
        any_frame = False
        with _opened(path) as container:
            for frame in container.decode(video=0):
                last_s = base_s + (frame.time or 0.0)
                any_frame = True
                yield last_s, frame
            base_s = max(last_s + 0.04, base_s + _length_s(container))
        if not any_frame:
            raise MediaFileRefused(f"{path} has a picture stream without pictures")


def _looped_sound(path: Path) -> Iterator[Sound]:
    silence = np.zeros(FRAME_SAMPLES, dtype=np.int16)
    while True:
        given = 0
        with _opened(path) as container:
            pieces = round(_length_s(container) * SAMPLE_RATE / FRAME_SAMPLES)
            resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE, frame_size=FRAME_SAMPLES)
            for frame in container.decode(audio=0):
                for piece in resampler.resample(frame):
                    if piece.samples == FRAME_SAMPLES:
                        given += 1
                        yield np.asarray(piece.to_ndarray()[0], dtype=np.int16)
        # A sound shorter than its picture waits for it, so that each round begins in step.
        for _ in range(max(pieces - given, 0 if given else 1)):
            yield silence


def _opened(path: Path) -> av.container.InputContainer:
    try:
        return av.open(str(path))
    except (OSError, av.FFmpegError) as error:
        raise MediaFileRefused(f"{path} cannot be played: {error}") from None


def _length_s(container: av.container.InputContainer) -> float:
    return (container.duration or 0) / av.time_base
