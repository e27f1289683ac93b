"""What is played is taken out of what is heard; steady noise; loud and soft made even.

`pywebrtc-audio` (Apache-2.0), the processing of browsers: AEC3, which finds the delay between
playing and hearing by itself and again when it jumps. An installation without it has no echo
cancellation, and says so before a lesson rather than in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from mixer.libopus import Samples

RATE = 48_000
BLOCK = 480  # its own: 10 ms
# Of four: 12 dB less of a fan. More makes far voices in a classroom hollow.
_NOISE_LEVEL = 1
# A ceiling microphone hears the last row at −45 dB; more than this lifts the fan with it.
_MOST_GAIN_DB = 24.0


@dataclass(frozen=True, slots=True)
class ProcessingSteps:
    """What is done to the microphone's sound (`sound.*` of the profile)."""

    echo: bool
    noise: bool
    gain: bool

    @property
    def any(self) -> bool:
        return self.echo or self.noise or self.gain


def installed() -> bool:
    """Whether it is there."""
    return find_spec("pywebrtc_audio") is not None


class Processing:
    """One microphone's; blocks of 10 ms in order."""

    def __init__(self, wanted: ProcessingSteps) -> None:
        """Raises `ImportError` where `pywebrtc-audio` is not installed."""
        self._wanted = wanted
        self._processor: Any = None
        if wanted.any:
            from pywebrtc_audio import AudioProcessor  # noqa: PLC0415 - an extra of its own

            self._processor = AudioProcessor(
                sample_rate=RATE,
                echo_cancellation=wanted.echo,
                noise_suppression=wanted.noise,
                auto_gain_control=wanted.gain,
                high_pass_filter=True,
                ns_level=_NOISE_LEVEL,
                agc_max_gain_db=_MOST_GAIN_DB,
            )

    def clean(self, near: Samples, far: Samples) -> Samples:
        """The microphone's block without what was played by `far`, the block played with it."""
        if self._processor is None:
            return near
        far_given = {"far": far} if self._wanted.echo else {}
        return np.asarray(self._processor.process(near, **far_given), np.float32)
