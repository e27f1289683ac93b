"""Who was put out of a live lesson and is let in no more, whether it is in memory or not.

Signaling keeps bars with the lesson's state. After a restart a lesson is in memory only once
somebody has joined it; until then what it saved last says who may not.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import LessonSnapshot
from server.lessons.live import LiveLessons
from signaling.errors import StateUnreadable
from signaling.lesson import Bar, bars_in


async def bars_of(session: AsyncSession, live: LiveLessons, lesson_id: str) -> Mapping[str, Bar]:
    """The bars of a lesson by their bearers."""
    bars = live.bars_of(lesson_id)
    if bars is not None:
        return bars
    saved = await session.get(LessonSnapshot, lesson_id)
    if saved is None:
        return {}
    try:
        return bars_in(saved.state)
    except StateUnreadable:  # signaling says so when it opens the lesson, which begins anew
        return {}
