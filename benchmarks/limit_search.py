"""The search for a limit: doubling until it fails, then bisection. No clock, no server.

A doubling that is bound to fail costs the most and tells the least, so whoever asks may say what
limit is likely. That changes the order of the tries, never what counts as an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# A sixteenth of what held is nearer than two runs of the same are to each other.
PRECISION = 16
# On a shared machine one bad second is anybody's; a failure stands when it is seen twice.
TRIES = 2
# However low the limit is guessed, each try while nothing failed is a quarter further.
STEP_LEAST = 4


@dataclass(slots=True)
class LimitSearch:
    """Ask `wanted`, try so many, tell `handle`; until `wanted` is None.

    `held` is the most that held so far, `failed` the fewest that did not (`most` + 1: none did).
    """

    most: int
    held: int = 0
    failed: int = field(init=False)
    tries: int = field(init=False, default=0)
    likely: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.failed = self.most + 1

    @property
    def wanted(self) -> int | None:
        """How many to try next; None when the limit is known, or was not reached."""
        if self.failed > self.most:
            return min(self._further(), self.most) if self.held < self.most else None
        if self.failed - self.held <= max(1, self.held // PRECISION):
            return None
        return (self.held + self.failed) // 2

    def handle(self, held: bool, *, likely: int | None = None) -> None:
        """What came of trying `wanted`; `likely` is a guess at the limit."""
        tried = self.wanted
        assert tried is not None
        self.tries += 1
        if held:
            self.held, self.tries, self.likely = tried, 0, likely
        elif self.tries >= TRIES:
            self.failed, self.tries = tried, 0

    def _further(self) -> int:
        """The next power of two; what is likely to be the limit when that comes before it."""
        doubled = 1 << self.held.bit_length()
        if self.likely is None:
            return doubled
        return min(doubled, max(self.likely, self.held + max(1, self.held // STEP_LEAST)))
