"""The other rooms' sounds, each as it comes, to one that is played. Sans-IO.

They arrive through a jitter buffer already (the receiving connection's); what is held here bridges
the step from its 20 ms to the card's 10, and a busy machine. Bounded: what is late is left out.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from mixer.libopus import Samples

RATE = 48_000
# Three packets before a voice begins: one that is late by two is still whole.
BEGINS_WITH = 3 * 960
MOST_HELD = 10 * 960
# A voice that is silent so long begins anew. 0.5 s
_GONE_AFTER = RATE // 2
# Where several speak at once the sum would clip: above this it is bent, never cut.
_KNEE = 0.7


class Voices:
    """`put` what comes of each voice, `take` what is to be played. `dropped` in samples."""

    def __init__(self) -> None:
        self.dropped = 0
        self._voices: dict[int, _Voice] = {}

    def put(self, voice: int, samples: Samples) -> None:
        """The next samples of it, mono at 48 kHz."""
        self.dropped += self._voices.setdefault(voice, _Voice()).put(samples)

    def take(self, count: int) -> Samples:
        """So many samples of all; silence where there are none."""
        mixed = np.zeros(count, np.float32)
        for name in list(self._voices):
            voice = self._voices[name]
            voice.add_to(mixed)
            if voice.silent_for > _GONE_AFTER:
                del self._voices[name]
        return _bent(mixed)


class _Voice:
    def __init__(self) -> None:
        self.silent_for = 0
        self._blocks: deque[Samples] = deque()
        self._held = 0
        self._plays = False

    def put(self, samples: Samples) -> int:
        self._blocks.append(samples)
        self._held += len(samples)
        dropped = 0
        if self._held > MOST_HELD:  # back to what it began with: a delay does not stay
            while self._held > BEGINS_WITH:
                oldest = self._blocks.popleft()
                self._held -= len(oldest)
                dropped += len(oldest)
        return dropped

    def add_to(self, mixed: Samples) -> None:
        if not self._plays and self._held >= BEGINS_WITH:
            self._plays = True
        if not self._plays:
            self.silent_for += len(mixed)
            return
        at = 0
        while at < len(mixed) and self._blocks:
            block = self._blocks.popleft()
            part = block[: len(mixed) - at]
            mixed[at : at + len(part)] += part
            at += len(part)
            if len(part) < len(block):
                self._blocks.appendleft(block[len(part) :])
        self._held -= at
        self.silent_for = 0 if at else self.silent_for + len(mixed)
        self._plays = at == len(mixed)


def _bent(sound: Samples) -> Samples:
    """As it is below the knee, ever flatter above it; never beyond full scale."""
    over = np.abs(sound) - _KNEE
    if not (over > 0).any():
        return sound
    room = 1 - _KNEE
    bent = np.sign(sound) * (_KNEE + room * np.tanh(over / room))
    return np.where(over > 0, bent, sound).astype(np.float32)
