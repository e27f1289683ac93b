"""Who is heard now, told at most five times a second.

The media core reports levels as they come; people see a ring around a picture, and five changes a
second are as many as the eye follows. The last word is always told, if later.
"""

from __future__ import annotations

INTERVAL_S = 0.2


class SpeakerBoard:
    """The levels last reported and last told."""

    def __init__(self) -> None:
        self._levels: tuple[tuple[str, int], ...] = ()
        self._told: tuple[tuple[str, int], ...] = ()
        self._told_at = float("-inf")

    def report(self, levels: tuple[tuple[str, int], ...]) -> None:
        """Seats with their levels in dBov, loudest first: the newest replaces all before."""
        self._levels = levels

    @property
    def seats(self) -> tuple[str, ...]:
        """Who is heard now, loudest first."""
        return tuple(seat_id for seat_id, _ in self._levels)

    def due_at(self) -> float | None:
        """When there is something to tell; None while nothing has changed."""
        return None if self._levels == self._told else self._told_at + INTERVAL_S

    def poll(self, now: float) -> tuple[tuple[str, int], ...] | None:
        """What to tell now, once; None if nothing, or not yet."""
        due_at = self.due_at()
        if due_at is None or now < due_at:
            return None
        self._told, self._told_at = self._levels, now
        return self._told
