"""What is wrong with a microphone that is there; why, tells `health`."""

from __future__ import annotations

from enum import Enum


class MicrophoneFault(Enum):
    """Told to people by the status page."""

    NOTHING = "nothing"  # it gives digital silence
    CLIPPED = "clipped"
    RATE = "rate"
