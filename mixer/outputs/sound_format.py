"""What the sound is that is put out: AAC LC, one voice wide (ISO/IEC 14496-3).

Apart from `aac_sound`, which makes it: who only packs it needs no libav.
"""

from __future__ import annotations

from dataclasses import dataclass

SOUND_RATE = 48_000
SOUND_FRAME = 1024  # samples in a frame of AAC LC

# Of one voice at full band; twice what speech needs, because it is encoded for the second time.
BITRATE_BPS = 96_000

# AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1): LC, 48 kHz, one channel, frames of 1024.
CONFIG = bytes((0x11, 0x88))


@dataclass(frozen=True, slots=True)
class AacFrame:
    """`SOUND_FRAME` samples; `at` is the place of the first, in samples."""

    at: int
    data: bytes
