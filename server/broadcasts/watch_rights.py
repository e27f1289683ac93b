"""Whether whoever asked for a watch address may watch still.

An address is proved by itself and stays good as long as its lesson; the account that it was made
for may be deleted meanwhile, or see the lesson no more. Who is in a lesson is looked after every
few seconds (`server.lessons.presence`), and here the same is asked at most so often for each
address: players ask ten times a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.broadcasts.watch_keys import Watcher
from server.database.engine import Database
from server.database.models import Lesson
from server.database.refusing import DatabaseRefused
from server.lessons.presence import refusal_of
from signaling.protocol.messages import Role

# As soon as a device whose account is gone is put out of the lesson.
ASKED_AGAIN_S: Final = 5.0
# Addresses that are remembered before those are forgotten that nobody has asked about for long.
_MOST = 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    at: float
    holds: bool


class WatchRights:
    """What was answered lately, by watcher."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is Unix time; set back, it only makes us ask again."""
        self._clock = clock
        self._answers: dict[Watcher, _Answer] = {}

    async def hold(self, watcher: Watcher, database: Database) -> bool:
        """Whether they do. What a database that refuses does not say is as it was."""
        now = self._clock()
        known = self._answers.get(watcher)
        if known is not None:
            if 0 <= now - known.at < ASKED_AGAIN_S:
                return known.holds
            self._answers[watcher] = _Answer(now, known.holds)  # others need not ask meanwhile
        try:
            holds = await _asked(watcher, database)
        except DatabaseRefused:
            holds = known is None or known.holds
        self._answers[watcher] = _Answer(now, holds)
        if len(self._answers) > _MOST:
            self._answers = {
                one: answer
                for one, answer in self._answers.items()
                if 0 <= now - answer.at < ASKED_AGAIN_S
            }
        return holds


async def _asked(watcher: Watcher, database: Database) -> bool:
    async with database.read() as session:
        lesson = await session.get(Lesson, watcher.lesson_id)
        if lesson is None:
            return False
        why_not = await refusal_of(session, lesson, watcher.bearer_id, Role.OBSERVER, "")
    return why_not is None
