"""The search for a limit: doubling until it fails, then bisection. No clock, no server."""

from __future__ import annotations

from dataclasses import dataclass, field

# A sixteenth of what held is nearer than two runs of the same are to each other.
PRECISION = 16
# On a shared machine one bad second is anybody's; a failure stands when it is seen twice.
TRIES = 2


@dataclass(slots=True)
class LimitSearch:
    """Ask `wanted`, try so many, tell `handle`; until `wanted` is None.

    `held` is the most that held so far, `failed` the fewest that did not (`most` + 1: none did).
    """

    most: int
    held: int = 0
    failed: int = field(init=False)
    tries: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.failed = self.most + 1

    @property
    def wanted(self) -> int | None:
        """How many to try next; None when the limit is known, or was not reached."""
        if self.failed > self.most:
            return min(2 * self.held or 1, self.most) if self.held < self.most else None
        if self.failed - self.held <= max(1, self.held // PRECISION):
            return None
        return (self.held + self.failed) // 2

    def handle(self, held: bool) -> None:
        """What came of trying `wanted`."""
        tried = self.wanted
        assert tried is not None
        self.tries += 1
        if held:
            self.held, self.tries = tried, 0
        elif self.tries >= TRIES:
            self.failed, self.tries = tried, 0
