"""One mix on its way out: encoded while there is something in it.

A mix in which nobody is heard (whoever speaks alone hears nothing) is not encoded fifty times a
second: a packet now and then keeps its stream alive, as Opus's own pauses do.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.composite.process.sound_encoder import SoundEncoder, level_bytes, power_of
from mixer.libopus import Samples

# As DTX (RFC 6716 §2.1.9): a packet every 400 ms of silence.
SILENT_TICKS = 20


@dataclass(frozen=True, slots=True)
class EncodedMix:
    """20 ms of it, and RFC 6464's level of them."""

    payload: bytes
    level: bytes


class MixEncoder:
    """One mix. Not to be shared by threads."""

    def __init__(self) -> None:
        """Raises `OpusError`."""
        self._encoder = SoundEncoder()
        self._silent_ticks = 0

    def encode(self, sound: Samples) -> EncodedMix | None:
        """The next 20 ms; None while nothing is in it and none is due."""
        power = power_of(sound)
        if power > 0:
            self._silent_ticks = 0
        else:
            self._silent_ticks += 1
            if self._silent_ticks % SILENT_TICKS != 1:
                return None
        return EncodedMix(self._encoder.encode(sound), level_bytes(power))
