"""The mixes of a lesson: everybody hears all but themselves, and nothing clips.

N−1: a room that is audible now gets the sum without its own voice, all others share one mix, so
there are as many mixes as rooms audible, plus one. The sum is made once and each room's own voice
taken away from it. Then a limiter: it sees 2.5 ms ahead, so that its gain is down before a peak
comes; it never lets one through, and it lets go slowly.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from mixer.composite.voice import FRAME_SAMPLES
from mixer.libopus import Samples

CEILING = 0.89  # −1 dBFS: what Opus makes of a peak may be a little higher

_STEP = 120  # 2.5 ms
_STEPS = FRAME_SAMPLES // _STEP
# In 200 ms it lets go by half: faster, and loud voices make others breathe.
_RELEASE_PER_STEP = 0.5 * _STEP / 9600


class Limiter:
    """One mix's limiter. What goes in comes out one step (2.5 ms) later."""

    def __init__(self) -> None:
        self._held: Samples = np.zeros(_STEP, np.float32)
        self._gain = 1.0  # of what is held
        self._edge = 1.0  # at its beginning

    def copy(self) -> Limiter:
        """Another one that goes on as this would: for a mix that parts from another."""
        other = Limiter()
        other._held, other._gain, other._edge = self._held.copy(), self._gain, self._edge
        return other

    def limit(self, sound: Samples) -> Samples:
        """`FRAME_SAMPLES` in, as many out, none above `CEILING`."""
        steps = np.concatenate([self._held, sound]).reshape(_STEPS + 1, _STEP)
        if self._gain == self._edge == 1.0 and -CEILING <= sound.min() <= sound.max() <= CEILING:
            self._held = steps[-1]  # as nearly always
            return steps[:-1].reshape(-1)
        peaks = np.abs(steps[1:]).max(axis=1)
        gains = [self._gain]
        for peak in peaks.tolist():
            allowed = min(1.0, CEILING / peak) if peak > 0 else 1.0
            gains.append(min(allowed, gains[-1] + _RELEASE_PER_STEP))
        # Between two steps the gain is the lower one of both: within a step it never is too high.
        edges = [self._edge, *(min(pair) for pair in pairwise(gains))]
        ramp = np.arange(_STEP, dtype=np.float32) / _STEP
        begin = np.array(edges[:-1], np.float32)[:, None]
        end = np.array(edges[1:], np.float32)[:, None]
        out = steps[:-1] * (begin + (end - begin) * ramp)
        self._held, self._gain, self._edge = steps[-1].copy(), gains[-1], edges[-1]
        return np.clip(out.reshape(-1), -CEILING, CEILING)


class Mixer:
    """The mixes of one lesson, 20 ms at a time."""

    def __init__(self) -> None:
        self._shared = Limiter()
        self._own: dict[str, Limiter] = {}

    def mix(self, voices: Mapping[str, Samples]) -> tuple[Samples, dict[str, Samples]]:
        """What all who are silent hear, and for each voice what its own room hears."""
        total: Samples = np.zeros(FRAME_SAMPLES, np.float32)
        for voice in voices.values():
            total += voice
        self._own = {seat: self._own.get(seat) or self._shared.copy() for seat in voices}
        own = {seat: self._own[seat].limit(total - voice) for seat, voice in voices.items()}
        return self._shared.limit(total), own
