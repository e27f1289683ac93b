"""Which pages of shared screens are chapters: those at which the lesson stayed.

A page is told by whoever sends the screen (`signaling/log/entries.py`, `screen_page`). Who looks
for a place looks for what was spoken about: a page that is leafed over is none, and of very many
those are that stood the longest. The player's `screen_pages.ts` does the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from recorder.manifest import Manifest, RecordedEvent

# Nobody speaks about a page in less: it is leafed over, to the one where they stop.
STAYED_S = 10.0
# More than one a minute of a lesson, and a list in which the other chapters are still found.
MOST_PAGES = 60
# A page is told within some seconds (`signaling.protocol.messages.MAX_STOOD_S`); another's journal
# may say anything.
_TOLD_WITHIN_S = 10.0
_BEYOND = 1_000_000


@dataclass(frozen=True, slots=True)
class StayedPage:
    """The `number`th page of a sharing stood from `at_s` until `until_s`."""

    number: int
    at_s: float
    until_s: float


def pages_of(manifest: Manifest) -> list[StayedPage]:
    """In order."""
    stayed = [one for one in _all_pages(manifest) if one.until_s - one.at_s >= STAYED_S]
    stayed.sort(key=lambda one: one.at_s - one.until_s)
    return sorted(stayed[:MOST_PAGES], key=lambda one: one.at_s)


def _all_pages(manifest: Manifest) -> Iterator[StayedPage]:
    open_pages: dict[object, tuple[int, float]] = {}  # by seat
    for event in manifest.events:
        members = event.model_extra or {}
        seat = str(members.get("seat_id"))
        number = _number(event)
        stopped = event.type == "source_removed" and members.get("source") == "screen"
        if not (number or stopped):
            continue
        at = _begins(event)
        if seat in open_pages:
            yield StayedPage(*open_pages.pop(seat), until_s=at)
        if number:
            open_pages[seat] = (number, at)
    for number, at in open_pages.values():
        yield StayedPage(number, at, manifest.duration_s)


def _number(event: RecordedEvent) -> int:
    """Which page an event tells of; 0: none."""
    page = (event.model_extra or {}).get("page") if event.type == "screen_page" else None
    return page if type(page) is int and 0 < page < _BEYOND else 0


def _begins(event: RecordedEvent) -> float:
    since = (event.model_extra or {}).get("since")
    if not isinstance(since, int | float) or not math.isfinite(since):
        return event.start_s
    stood = min(max(0.0, event.at - since), _TOLD_WITHIN_S)
    return max(0.0, round(event.start_s - stood, 3))
