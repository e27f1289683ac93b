"""When what failed is tried again: by itself, later and later.

Sans-IO: `now` is a steady clock, in seconds. What is tried, and whether it may be tried yet (is
there room on the disk by now?), is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Went well for so long: what fails then is a new failure, and tried again soon.
FORGIVEN_S = 60.0


@dataclass(slots=True)
class _Entry:
    tries: int  # that failed
    tried_at: float
    due_at: float | None  # None while it is being tried, or is no longer tried by itself


class Retries:
    """Things by their key. With `for_ever` the last delay repeats; without, it is the last try."""

    def __init__(self, delays_s: Sequence[float], *, for_ever: bool) -> None:
        self._delays_s = delays_s
        self._for_ever = for_ever
        self._entries: dict[str, _Entry] = {}

    def failed(self, key: str, now: float) -> float | None:
        """It failed. Gives the delay until it is tried again; None if it is not, by itself."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(0, now, None)
        elif entry.due_at is not None:
            return entry.due_at - now  # one failure may be told in several ways
        elif self._for_ever and now - entry.tried_at > FORGIVEN_S:
            entry.tries = 0
        if entry.tries >= len(self._delays_s) and not self._for_ever:
            return None
        delay_s = self._delays_s[min(entry.tries, len(self._delays_s) - 1)]
        entry.tries += 1
        entry.due_at = now + delay_s
        return delay_s

    def due(self, now: float) -> list[str]:
        """What may be tried now; say `tried` of what is."""
        return [
            key
            for key, entry in self._entries.items()
            if entry.due_at is not None and entry.due_at <= now
        ]

    def tried(self, key: str, now: float) -> None:
        """It is being tried."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.tried_at, entry.due_at = now, None

    def forget(self, key: str) -> None:
        """It went well, or is no longer wanted."""
        self._entries.pop(key, None)
