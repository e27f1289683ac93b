"""Encodes one mix: Opus for speech, with in-band FEC, 20 ms a packet.

RFC 6716 §2.1.7, RFC 7587.
"""

from __future__ import annotations

import math

from mixer.libopus import OpusEncoder, Samples
from mixer.rtp.packet import audio_level_bytes

# Speech at full band with room for its copies; a room's voice comes at about as much.
BITRATE_BPS = 40_000

# The loss for which copies are made: a line that loses more gets as many.
EXPECTED_LOSS_PERCENT = 10

# Of ten: at 7 a mix costs a third less than at 10, and nobody hears it in speech.
COMPLEXITY = 7

_SILENT_LEVEL = 127
_SPEECH_LEVEL = 48  # −dBov, as the gate before the mix opens


class SoundEncoder:
    """One mix. Not to be shared by threads."""

    def __init__(self) -> None:
        """Raises `OpusError`."""
        self._opus = OpusEncoder(
            bitrate_bps=BITRATE_BPS,
            complexity=COMPLEXITY,
            expected_loss_percent=EXPECTED_LOSS_PERCENT,
        )

    def encode(self, sound: Samples) -> bytes:
        """The packet of `FRAME_SAMPLES`."""
        return self._opus.encode(sound)


def power_of(sound: Samples) -> float:
    """The mean square of its samples; 0 for digital silence, and for what nobody hears."""
    return float(sound.dot(sound)) / len(sound)


def level_of(sound: Samples) -> bytes:
    """RFC 6464's level of 20 ms of sound."""
    return level_bytes(power_of(sound))


def level_bytes(power: float) -> bytes:
    """RFC 6464's level of a sound of this power."""
    level = _SILENT_LEVEL if power <= 0 else round(-10 * math.log10(power))
    level = min(_SILENT_LEVEL, max(0, level))
    return audio_level_bytes(voice=level < _SPEECH_LEVEL, level=level)
