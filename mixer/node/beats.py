"""When a node looks at its lessons: on common beats, so that one wake-up serves all that is due.

A thread that was asleep finds its memory cold: what takes 0.1 ms among other work takes 0.4 ms
alone. A lesson in which something moves is looked at on every short beat; one in which all is well
once a second, and the pump tells what cannot wait for that. While somebody speaks the levels are
taken twice a second, to see when they end; the pump tells when another begins.
"""

from __future__ import annotations

import math

LOOK_S = 0.2
LISTEN_S = 0.5
CALM_LOOK_S = 1.0
# A beat nearer than this part of the interval is the one just served.
TOO_NEAR = 0.1


def next_beat(now: float, interval_s: float) -> float:
    """The first multiple of the interval after `now`, but no nearer than a tenth of it."""
    return (math.floor(now / interval_s + TOO_NEAR) + 1) * interval_s
