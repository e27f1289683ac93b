"""When to ask a publisher for a keyframe: seldom, however many ask; again, until it comes.

RFC 4585 §6.3.1 (PLI) leaves the rate to its sender. A keyframe is ten times the size of another
frame and every subscriber pays for it, so all who ask within half a second share one request.
Which RTCP message is sent is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

# The pump has a gate before this one, of the same half second (`KEYFRAME_SPACING_NS` in
# `pump/native/notices.c`): it spares Python the asking of consumers again and again; this one joins
# what they ask with what taps, joins and switches of layers do. Who changes one looks at the other.
INTERVAL_S = 0.5
# A request may be lost, so it is repeated; a publisher that gave nothing for so many repeats
# (muted camera, paused layer) is asked more slowly.
SLOWER_AFTER = 10
SLOWER_INTERVAL_S = 2.0


@dataclass(slots=True)
class _Request:
    due_at: float
    asked: int = 0


class KeyframeRequests(Generic[Key]):
    """Requests by encoding; `Key` names one (`(producer_id, layer)`, an SSRC, …)."""

    def __init__(self) -> None:
        self._waiting: dict[Key, _Request] = {}
        self._asked_at: dict[Key, float] = {}

    def request(self, key: Key, now: float) -> None:
        """Somebody needs a keyframe of this encoding; `poll` says when to ask for it."""
        if key not in self._waiting:
            asked_at = self._asked_at.get(key)
            due = now if asked_at is None else max(now, asked_at + INTERVAL_S)
            self._waiting[key] = _Request(due)

    def keyframe_arrived(self, key: Key) -> None:
        """The keyframe has come: whoever waited has it."""
        self._waiting.pop(key, None)

    def remove(self, key: Key) -> None:
        """The encoding is gone."""
        self._waiting.pop(key, None)
        self._asked_at.pop(key, None)

    def due(self, now: float) -> list[Key]:
        """The encodings that `poll` would name."""
        return [key for key, request in self._waiting.items() if now >= request.due_at]

    def poll(self, now: float) -> list[Key]:
        """The encodings to ask for a keyframe now."""
        due = self.due(now)
        for key in due:
            request = self._waiting[key]
            request.asked += 1
            slower = request.asked >= SLOWER_AFTER
            request.due_at = now + (SLOWER_INTERVAL_S if slower else INTERVAL_S)
            self._asked_at[key] = now
        return due

    def next_time(self) -> float | None:
        """When `poll` has something to say next, None while nobody waits."""
        return min((request.due_at for request in self._waiting.values()), default=None)
