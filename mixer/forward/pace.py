"""How often pictures come, and after how long without one a layer counts as stopped.

A layer that its publisher has stopped must be left at once: who looks at it sees nothing move. But
a camera for papers, a time-lapse or a shared screen that sends only what changes may be slower than
that and go on. What a stream's pauses have been says which it is.
"""

from __future__ import annotations

from collections.abc import Iterable

# A layer of a camera sends many pictures a second, a still screen from a browser about one.
SILENT_AFTER_S = 2.0
# What has no other layer to turn to is waited for until it has shown its pace.
FIRST_WAIT_S = 10.0
# A pause so many times as long as those before is an end …
TIMES_ITS_PACE = 2.5
# … and one of so long is, however slow it was.
SLOWEST_S = 12.0
# Long pauses are forgotten while pictures flow, in some ten seconds.
KEPT_PER_S = 0.85


class Pace:
    """The longest usual pause of one layer; `update` it with every reading of its counters."""

    def __init__(self) -> None:
        self.pause_s: float | None = None  # None until a second packet has come
        self._updated_at: float | None = None

    def update(self, now: float, *, longest_pause_s: float, grown: bool) -> None:
        """`longest_pause_s` between two packets that came since the last update, 0 of fewer.

        `grown` says whether anything came.
        """
        if not grown:
            return
        since_s = 1.0 if self._updated_at is None else min(1.0, now - self._updated_at)
        self._updated_at = now
        if not 0 < longest_pause_s <= SLOWEST_S:
            return
        before_s = (self.pause_s or 0.0) * KEPT_PER_S**since_s
        self.pause_s = max(longest_pause_s, before_s)


def silent_after_s(paces: Iterable[Pace]) -> float:
    """After how long without a packet a layer of this stream counts as stopped.

    The fastest of its layers says how fast its camera is: a layer that is slower was stopped.
    """
    every = list(paces)
    known = [pace.pause_s for pace in every if pace.pause_s is not None]
    if not known:
        return FIRST_WAIT_S if len(every) == 1 else SILENT_AFTER_S
    return max(SILENT_AFTER_S, TIMES_ITS_PACE * min(known))
