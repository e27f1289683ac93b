"""How loud a room is, and a slow gain that brings all rooms to one loudness.

ITU-R BS.1770-5: loudness is the mean square of the K-weighted sound of 400 ms, gated. The weighting
is taken in the spectrum (Parseval): for a whole block that is the same, and one FFT costs less than
two recursive filters in Python. The gain follows the gated mean of some seconds of speech, so
slowly that nobody hears it move; silence between words moves nothing.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from mixer.libopus import Samples
from mixer.rtp.opus import CLOCK_RATE

BLOCK_S = 0.4
BLOCK_SAMPLES = round(BLOCK_S * CLOCK_RATE)

# Speech of streams and video calls: loud enough for a hall's loudspeakers, with room for voices
# together (EBU R 128's −23 is meant for films with their quiet).
TARGET_LUFS = -20.0
GATE_LUFS = -50.0  # a classroom in which nobody speaks

MOST_GAIN_DB = 12.0
LEAST_GAIN_DB = -12.0
RISE_DB_PER_S = 2.0
FALL_DB_PER_S = 6.0  # too loud hurts sooner than too soft

# What the last four seconds of speech were counts; a shout alone does not.
_MEMORY_S = 4.0

# BS.1770 annex 1, tables 1 and 2: the biquads' coefficients at 48 kHz.
_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (1.0, -1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


@cache
def _weights() -> npt.NDArray[np.float64]:
    """The power that K weighting leaves at each frequency of a block."""
    z = np.exp(-2j * np.pi * np.arange(BLOCK_SAMPLES // 2 + 1) / BLOCK_SAMPLES)
    power = np.ones(len(z))
    for above, below in (_SHELF, _HIGH_PASS):
        power *= np.square(np.abs(np.polyval(above[::-1], z) / np.polyval(below[::-1], z)))
    power[1:-1] *= 2  # each stands for its negative frequency, too
    return power


def loudness_lufs(block: Samples) -> float:
    """The loudness of `BLOCK_SAMPLES` of one channel; −∞ for digital silence."""
    if len(block) != BLOCK_SAMPLES:
        raise ValueError(f"loudness is of {BLOCK_SAMPLES} samples, not {len(block)}")
    spectrum = np.fft.rfft(block.astype(np.float64))
    mean_square = float(np.square(np.abs(spectrum)) @ _weights()) / BLOCK_SAMPLES**2
    return -0.691 + 10 * math.log10(mean_square) if mean_square > 0 else -math.inf


class Leveller:
    """The slow gain of one room."""

    def __init__(self) -> None:
        self._block = np.zeros(BLOCK_SAMPLES, np.float32)
        self._filled = 0
        self._speech: float | None = None  # mean power of speech, as measured before the gain
        self.gain_db = 0.0

    def level(self, sound: Samples) -> Samples:
        """The sound with its gain, which goes from what it was to what it is within this sound."""
        before = self.gain_db
        self._measure(sound)
        self._move(len(sound) / CLOCK_RATE)
        if self.gain_db == before:
            return sound * np.float32(10 ** (before / 20))
        ramp = np.linspace(before, self.gain_db, len(sound), dtype=np.float32)
        return (sound * np.power(np.float32(10.0), ramp / 20)).astype(np.float32)

    def _measure(self, sound: Samples) -> None:
        while len(sound):
            part = sound[: BLOCK_SAMPLES - self._filled]
            self._block[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            sound = sound[len(part) :]
            if self._filled == BLOCK_SAMPLES:
                self._filled = 0
                self._note(loudness_lufs(self._block))

    def _note(self, lufs: float) -> None:
        if lufs < GATE_LUFS:
            return
        power = 10 ** (lufs / 10)
        if self._speech is None:
            self._speech = power
        else:
            self._speech += (power - self._speech) * BLOCK_S / _MEMORY_S

    def _move(self, seconds: float) -> None:
        if self._speech is None:
            return
        wanted = TARGET_LUFS - 10 * math.log10(self._speech)
        wanted = min(MOST_GAIN_DB, max(LEAST_GAIN_DB, wanted))
        step = wanted - self.gain_db
        self.gain_db += min(RISE_DB_PER_S * seconds, max(-FALL_DB_PER_S * seconds, step))
