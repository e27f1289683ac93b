"""How many layers the room's line carries, by what the server says it has lost (RFC 3550 §6.4.1).

A camera's picture cannot be made smaller here: what does not fit is not sent, the largest layers
first, the main source's smallest never. Sans-IO.
"""

from __future__ import annotations

from collections.abc import Sequence

# More than this is no disturbance that repeating lost packets mends, but a queue that runs over.
MOST_LOSS = 0.10
LITTLE_LOSS = 0.02
# Three seconds: a single burst, as when somebody else loads a page, takes no picture away.
WINDOW_S = 1.0
_BAD_WINDOWS = 3
# How long it has to be good until one more is tried; longer each time that was too much.
FIRST_PATIENCE_S, MOST_PATIENCE_S = 10.0, 120.0
# A layer that was too much shows it within this.
_TRIAL_S = 6.0
# Fewer packets say nothing.
_LEAST_PACKETS = 20


class LineLayers:
    """`sources` is how many layers each source has, the main one first; `carried` how many go."""

    def __init__(self, sources: Sequence[int]) -> None:
        self._sources = tuple(sources)
        self._given_up = 0
        self._lost = self._expected = 0
        self._window_at: float | None = None
        self._bad = 0
        self._good_since: float | None = None
        self._patience_s = FIRST_PATIENCE_S
        self._tried_at = float("-inf")

    @property
    def carried(self) -> tuple[int, ...]:
        """Layers of each source, from the smallest on."""
        left = list(self._sources)
        for _ in range(self._given_up):
            place = max(range(len(left)), key=lambda one: (left[one], one))
            left[place] -= 1
        return tuple(left)

    def report(self, lost: int, expected: int, now: float) -> bool:
        """So many of `expected` packets did not arrive; whether `carried` is another now."""
        if self._window_at is None:
            self._window_at = now
        self._lost += max(0, lost)
        self._expected += expected
        if now - self._window_at < WINDOW_S or self._expected < _LEAST_PACKETS:
            return False
        loss = self._lost / self._expected
        self._window_at, self._lost, self._expected = now, 0, 0
        return self._judged(loss, now)

    def _judged(self, loss: float, now: float) -> bool:
        if loss > MOST_LOSS:
            self._bad += 1
            self._good_since = None
            if self._bad < _BAD_WINDOWS or self._given_up >= sum(self._sources) - 1:
                return False
            self._bad = 0
            if now - self._tried_at < _TRIAL_S:
                self._patience_s = min(MOST_PATIENCE_S, 2 * self._patience_s)
            self._given_up += 1
            return True
        self._bad = 0
        if now - self._tried_at > 2 * self._patience_s:
            self._patience_s = FIRST_PATIENCE_S  # what was tried last has held
        if loss > LITTLE_LOSS or not self._given_up:
            self._good_since = None
            return False
        if self._good_since is None:
            self._good_since = now
        if now - self._good_since < self._patience_s:
            return False
        self._given_up -= 1
        self._good_since, self._tried_at = None, now
        return True
