"""How much a connection may ask, and how many bad messages it is forgiven. Sans-IO.

A client sends a ping every 2 s and a few messages when somebody presses a button; a subscribe
storm after a change of layout is some ten. The limits are far above that and far below what
would load a server.
"""

from __future__ import annotations

from mixer.token_bucket import TokenBucket

MESSAGES_PER_S = 40.0
BURST = 120.0
# A page with a fault repeats it; it is told so some times and then closed. One offence is forgiven
# every so many seconds, so that a long lesson does not add up old ones.
FORGIVEN_OFFENCES = 20
FORGET_ONE_EVERY_S = 10.0


class Allowance:
    """What one connection may ask, and what it is forgiven."""

    def __init__(self, now: float) -> None:
        self._messages = TokenBucket(rate_per_s=MESSAGES_PER_S, burst=BURST, now=now)
        self._offences = TokenBucket(
            rate_per_s=1 / FORGET_ONE_EVERY_S, burst=FORGIVEN_OFFENCES, now=now
        )

    def allows(self, now: float) -> bool:
        """Whether one more message may be handled now."""
        return self._messages.take(now)

    def offended(self, now: float) -> bool:
        """Count one bad message; True when it was one too many."""
        return not self._offences.take(now)
