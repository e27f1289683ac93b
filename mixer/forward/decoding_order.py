"""Whether a stream's pictures come in another order than they are shown (B-frames).

Browsers cannot show those. A single step back is a clock that was set; an encoder that makes some
of its pictures from later ones steps back all the time.
"""

from __future__ import annotations

import math

# So many steps back, none so long after the one before, and it is no accident.
STEPS = 3
WITHIN_S = 15.0


class StepsBack:
    """Takes the count of pictures shown before the one that came before them."""

    def __init__(self) -> None:
        self._total = 0
        self._steps = 0
        self._stepped_at = -math.inf

    def update(self, total: int, now: float) -> None:
        """`total` since the stream began; another stream under the same name begins at 0."""
        grown = total - self._total if total >= self._total else total
        self._total = total
        if not grown:
            return
        if now - self._stepped_at > WITHIN_S:
            self._steps = 0
        self._steps += grown
        self._stepped_at = now

    def usual(self, now: float) -> bool:
        """Whether it is how this stream is coded."""
        return self._steps >= STEPS and now - self._stepped_at <= WITHIN_S
