"""Samples to the 20 ms that one Opus packet holds (RFC 7587 §4.2). Sans-IO.

Each frame has a position: its first sample's number at 48 kHz on the source's own count. Where
samples are missing the count goes on, the frame that was begun is filled up with silence, and the
next begins at its own place: a hole is a hole at the receiver, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mixer.libopus import Samples

RATE = 48_000
FRAME_SAMPLES = 960
# What rounds ticks of 8 kHz, or a card's own clock, is no hole. A packet of the shortest kind is.
_MOST_STEP = RATE // 200


@dataclass(frozen=True, slots=True)
class SoundFrame:
    """20 ms; `at` is when its first sample was taken, in the clock it was given by."""

    position: int
    at: float
    samples: Samples


class Frames:
    """One source's."""

    def __init__(self) -> None:
        self._held = np.zeros(0, np.float32)
        self._position: int | None = None  # of the first sample held
        self._at = 0.0

    def of(self, samples: Samples, position: int, at: float) -> Iterator[SoundFrame]:
        """The frames that are whole with these samples, the first of which is `position`."""
        expected = None if self._position is None else self._position + len(self._held)
        if expected is None:
            self._position, self._at = position, at
        elif position < expected - _MOST_STEP:
            return  # its time has been given away: it is late, or came twice
        elif position > expected + _MOST_STEP:
            yield from self._filled()
            self._position, self._at = max(position, self._next()), at
        self._held = np.concatenate((self._held, samples))
        while len(self._held) >= FRAME_SAMPLES:
            yield self._take()

    def _filled(self) -> Iterator[SoundFrame]:
        if len(self._held):
            missing = FRAME_SAMPLES - len(self._held)
            self._held = np.concatenate((self._held, np.zeros(missing, np.float32)))
            yield self._take()

    def _take(self) -> SoundFrame:
        position = self._next()
        frame = SoundFrame(position, self._at, self._held[:FRAME_SAMPLES])
        self._held = self._held[FRAME_SAMPLES:]
        self._position = position + FRAME_SAMPLES
        self._at += FRAME_SAMPLES / RATE
        return frame

    def _next(self) -> int:
        assert self._position is not None  # samples have come
        return self._position
