"""Encodes one mix: Opus for speech, with in-band FEC, 20 ms a packet.

RFC 6716 §2.1.7, RFC 7587. libopus through PyAV: encoding needs nothing that PyAV lacks.
"""

from __future__ import annotations

import fractions
import math
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame

from mixer.composite.libopus import Samples
from mixer.composite.voice import FRAME_SAMPLES
from mixer.rtp.opus import CLOCK_RATE
from mixer.rtp.packet import audio_level_bytes

# Speech at full band with room for its copies; a room's voice comes at about as much.
BITRATE_BPS = 40_000

# The loss for which copies are made: a line that loses more gets as many.
_EXPECTED_LOSS_PERCENT = "10"

# Of ten: at 7 a mix costs a third less than at 10, and nobody hears it in speech.
_COMPLEXITY = "7"

_SILENT_LEVEL = 127
_SPEECH_LEVEL = 48  # −dBov, as the gate before the mix opens


class SoundEncoder:
    """One mix. Not to be shared by threads."""

    def __init__(self) -> None:
        self._context: Any = av.CodecContext.create("libopus", "w")
        self._context.sample_rate = CLOCK_RATE
        self._context.layout = "mono"
        self._context.format = "flt"
        self._context.bit_rate = BITRATE_BPS
        self._context.time_base = fractions.Fraction(1, CLOCK_RATE)
        self._context.options = {
            "application": "voip",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": _EXPECTED_LOSS_PERCENT,
            "compression_level": _COMPLEXITY,
        }
        self._pts = 0

    def encode(self, sound: Samples) -> list[bytes]:
        """The packet of `FRAME_SAMPLES`; as a list, as libav gives it."""
        frame = AudioFrame.from_ndarray(sound.reshape(1, FRAME_SAMPLES), "flt", "mono")
        frame.sample_rate = CLOCK_RATE
        frame.pts = self._pts
        self._pts += FRAME_SAMPLES
        return [bytes(packet) for packet in self._context.encode(frame)]


def level_of(sound: Samples) -> bytes:
    """RFC 6464's level of 20 ms of sound."""
    power = float(np.square(sound).mean())
    level = _SILENT_LEVEL if power <= 0 else round(-10 * math.log10(power))
    level = min(_SILENT_LEVEL, max(0, level))
    return audio_level_bytes(voice=level < _SPEECH_LEVEL, level=level)
