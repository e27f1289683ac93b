"""How much a connection may ask, and how many bad messages it is forgiven. Sans-IO.

A client sends a ping every 2 s and a few messages when somebody presses a button; a subscribe
storm after a change of layout is some ten. The limits are far above that and far below what
would load a server.
"""

from __future__ import annotations

MESSAGES_PER_S = 40.0
BURST = 120.0
# A page with a fault repeats it; it is told so some times and then closed. One offence is forgiven
# every so many seconds, so that a long lesson does not add up old ones.
FORGIVEN_OFFENCES = 20
FORGET_ONE_EVERY_S = 10.0


class Patience:
    """A token bucket for messages and a leaking count of offences."""

    def __init__(self, now: float) -> None:
        self._tokens = BURST
        self._offences = 0.0
        self._now = now

    def allows(self, now: float) -> bool:
        """Whether one more message may be handled now."""
        self._advance(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def offended(self, now: float) -> bool:
        """Count one bad message; True when it was one too many."""
        self._advance(now)
        self._offences += 1.0
        return self._offences > FORGIVEN_OFFENCES

    def _advance(self, now: float) -> None:
        elapsed_s = max(0.0, now - self._now)
        self._now = max(now, self._now)
        self._tokens = min(BURST, self._tokens + elapsed_s * MESSAGES_PER_S)
        self._offences = max(0.0, self._offences - elapsed_s / FORGET_ONE_EVERY_S)
