"""How long pictures took through the program, and what is counted of its parts.

A delay is from a source's picture in (its last datagram read) to the program's packet out.
"""

from __future__ import annotations

import threading
from collections import deque

# At 30 pictures a second of sixteen sources: seconds.
_MOST_DELAYS = 4096


class Counting:
    """Delays, noted by the encoders' threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._delays_s: deque[float] = deque(maxlen=_MOST_DELAYS)
        self._frames = 0
        self._encode_s = 0.0

    def note_sent(self, at: float, arrivals: tuple[float, ...]) -> None:
        """Pictures that came then went out now."""
        with self._lock:
            self._delays_s.extend(at - arrived for arrived in arrivals)

    def take_delays_ms(self) -> tuple[float, float]:
        """The median, and what 99 of 100 stay below, since they were taken last."""
        with self._lock:
            delays = sorted(self._delays_s)
            self._delays_s.clear()
        return 1000 * _share(delays, 0.5), 1000 * _share(delays, 0.99)

    def encode_ms(self, frames: int, encode_s: float) -> float:
        """The mean of a picture's encoding since the last call, of the sums so far."""
        new_frames, new_s = frames - self._frames, encode_s - self._encode_s
        self._frames, self._encode_s = frames, encode_s
        return 1000 * new_s / new_frames if new_frames else 0.0


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
