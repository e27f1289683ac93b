"""What can be told of a microphone by what it gives. Sans-IO.

One that is switched off at its neck gives digital zeros; a cheap converter hums even in an empty
room. One whose gain is too high clips. A card that was opened at 48 kHz and gives 44,100 samples a
second sounds low and slow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hardware_profiles.room_agent.sounding.faults import MicrophoneFault
from mixer.libopus import Samples

# Nobody speaks so softly: below one step of 16 bits.
ZERO = 1 / 32768
NOTHING_AFTER_S = 3.0
FULL = 0.99
# Some clipped samples are a cough into the microphone; so many of all, again and again, are speech
# that is spoilt.
CLIPPED_SHARE = 0.002
_CLIPPED_SECONDS = 3
# A quartz is off by 0.01 %; a wrong setting by 8 % at least (44.1 for 48 kHz).
WRONG_RATE = 0.02
_SETTLES_S, _RATE_OVER_S = 1.0, 4.0
_LEVEL_FALLS_DB_PER_S = 20.0
QUIET_DB = -96.0


@dataclass(frozen=True, slots=True)
class Health:
    """`level_db` is its peak, 0 the loudest; `rate` the samples that come in a second."""

    fault: MicrophoneFault | None
    level_db: float
    rate: float


class MicrophoneHealth:
    """One microphone's, `heard` block by block; `begin` when it was opened anew."""

    def __init__(self, rate: int) -> None:
        """`rate` is what it promised."""
        self._promised = rate
        self.begin()

    def begin(self) -> None:
        """It is another stream from now on."""
        self._sounded_at: float | None = None
        self._level = QUIET_DB
        self._level_at = 0.0
        self._second_at = 0.0
        self._samples = self._clipped = 0  # of this second
        self._clipped_seconds = 0
        self._clips = False
        self._counted_from: float | None = None
        self._counted = 0
        self._rate = float(self._promised)

    def heard(self, samples: Samples, now: float) -> None:
        """This block came `now`."""
        if self._sounded_at is None:
            self._sounded_at = self._second_at = self._level_at = now
        peak = float(np.abs(samples).max(initial=0.0))
        if peak > ZERO:
            self._sounded_at = now
        self._follow_level(peak, now)
        self._note_clipping(samples, now)
        self._count(len(samples), now)

    def told(self, now: float) -> Health:
        """How it is `now`."""
        fault = None
        if self._sounded_at is not None and now - self._sounded_at >= NOTHING_AFTER_S:
            fault = MicrophoneFault.NOTHING
        elif abs(self._rate / self._promised - 1) > WRONG_RATE:
            fault = MicrophoneFault.RATE
        elif self._clips:
            fault = MicrophoneFault.CLIPPED
        return Health(fault, round(self._level, 1), round(self._rate))

    def _follow_level(self, peak: float, now: float) -> None:
        fallen = self._level - _LEVEL_FALLS_DB_PER_S * (now - self._level_at)
        level = 20 * math.log10(peak) if peak > 0 else QUIET_DB
        self._level, self._level_at = max(level, fallen, QUIET_DB), now

    def _note_clipping(self, samples: Samples, now: float) -> None:
        self._samples += len(samples)
        self._clipped += int(np.count_nonzero(np.abs(samples) >= FULL))
        if now - self._second_at < 1.0:
            return
        spoilt = self._clipped > CLIPPED_SHARE * self._samples
        self._clipped_seconds = min(_CLIPPED_SECONDS, self._clipped_seconds + 1) if spoilt else 0
        self._clips = self._clipped_seconds >= _CLIPPED_SECONDS
        self._second_at, self._samples, self._clipped = now, 0, 0

    def _count(self, samples: int, now: float) -> None:
        if self._counted_from is None:
            # What a card held when it was opened comes at once, and is of no known time.
            self._counted_from = now + _SETTLES_S
        if now <= self._counted_from:
            return
        self._counted += samples
        if (over := now - self._counted_from) >= _RATE_OVER_S:
            self._rate = self._counted / over
            self._counted_from, self._counted = now, 0
