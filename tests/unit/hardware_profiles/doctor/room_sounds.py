"""What a microphone in a room would give: noise, a voice, and what the loudspeaker plays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardware_profiles.doctor.loop import QUIET_S, RATE, SPEAK_S, TAIL_S, sweeps

PLAYED_AT = round((QUIET_S + SPEAK_S) * RATE)


def heard_in_a_room(
    *,
    noise: float = 0.001,
    voice: float = 0.1,
    played: float = 0.3,
    delay_s: float = 0.1,
    reflection: float = 0.0,
    spoken_s: float = SPEAK_S,
) -> NDArray[np.float32]:
    """Amplitudes of full scale; the sweeps come so much later than they were played."""
    rng = np.random.default_rng(3)
    began = QUIET_S + spoken_s
    samples = rng.normal(0, noise, round((began + 3.0 + TAIL_S) * RATE))
    times = np.arange(round(spoken_s * RATE)) / RATE
    syllables = np.sin(2 * np.pi * 3 * times) > 0
    samples[RATE : RATE + len(times)] += voice * np.sin(2 * np.pi * 180 * times) * syllables
    for gain, at_s in ((played, delay_s), (played * reflection, delay_s + 0.2)):
        at, sound = round((began + at_s) * RATE), sweeps()
        samples[at : at + len(sound)] += gain * sound[: len(samples) - at]
    return samples.clip(-1, 1).astype(np.float32)
