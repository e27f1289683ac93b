"""How often something may happen: so many at once, then so many a second. Sans-IO.

The one token bucket of all that is not native (`pump/native/limiter.h` has the pump's). What a
token buys is the caller's.
"""

from __future__ import annotations


class TokenBucket:
    """`burst` at once, then `rate_per_s`."""

    __slots__ = ("_burst", "_filled_at", "_rate_per_s", "_tokens")

    def __init__(self, *, rate_per_s: float, burst: float, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = self._tokens = burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Spend one token; False when there is none."""
        if now > self._filled_at:  # a clock that goes back gives nothing
            refill = (now - self._filled_at) * self._rate_per_s
            self._tokens = min(self._burst, self._tokens + refill)
            self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
