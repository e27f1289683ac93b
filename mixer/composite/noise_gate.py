"""Whether a room is audible: an empty classroom's hum is no voice.

Whoever is not audible is left out of the mix, and hears the one that all silent rooms share: so
there are few mixes, and twenty open microphones do not add up to noise. It opens within the frame
that is louder than the hum, and closes half a second after the last one; both by a short ramp, so
that it is not heard.
"""

from __future__ import annotations

import math

import numpy as np

from mixer.libopus import Samples
from mixer.rtp.opus import CLOCK_RATE

# Speech lies at −15 … −35 dBFS, a quiet classroom at −50 … −70 (RFC 6464 levels are alike).
OPENS_DBFS = -48.0
STAYS_DBFS = -54.0  # lower, so that one who stands at the border does not flicker
HOLD_S = 0.5  # the pauses within a sentence

_RAMP_SAMPLES = 240  # 5 ms


def dbfs_of(sound: Samples) -> float:
    """How loud it is, against a square wave of full scale (dBov, as RFC 6464 has it)."""
    power = float(sound.dot(sound)) / len(sound)
    return 10 * math.log10(power) if power > 0 else -math.inf


class NoiseGate:
    """The gate of one voice."""

    def __init__(self) -> None:
        self._quiet_s = HOLD_S
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Whether the room is audible."""
        return self._is_open

    def pass_on(self, sound: Samples) -> Samples | None:
        """The sound of a frame, or None while the room is not audible."""
        dbfs = dbfs_of(sound)
        was_open = self._is_open
        if dbfs >= (STAYS_DBFS if was_open else OPENS_DBFS):
            self._quiet_s = 0.0
        else:
            self._quiet_s += len(sound) / CLOCK_RATE
        self._is_open = self._quiet_s < HOLD_S
        if self._is_open and was_open:
            return sound
        if not self._is_open and not was_open:
            return None
        ramp = np.ones(len(sound), np.float32)
        edge = np.linspace(0.0, 1.0, min(_RAMP_SAMPLES, len(sound)), dtype=np.float32)
        if self._is_open:
            ramp[: len(edge)] = edge
        else:
            ramp[:] = 0.0
            ramp[: len(edge)] = edge[::-1]
        return sound * ramp
