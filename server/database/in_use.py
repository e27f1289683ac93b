"""What a lesson that is going on still needs: no part of it may go meanwhile."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import Lesson, LessonPhase, LessonSeat
from server.errors import Refusal, Text


async def refuse_in_live_lesson(session: AsyncSession, condition: object) -> None:
    """Refuses (409) while a lesson is live that fits a condition on `Lesson` or `LessonSeat`."""
    found = await session.scalars(
        select(Lesson)
        .outerjoin(LessonSeat, LessonSeat.lesson_id == Lesson.id)
        .where(Lesson.state == LessonPhase.LIVE, Lesson.deleted_at.is_(None), condition)  # type: ignore[arg-type]  # a column expression, whatever its kind
    )
    # The row as loaded knows of an end that could not be written yet, the query not.
    title = next((one.title for one in found if one.state is LessonPhase.LIVE), None)
    if title is not None:
        raise Refusal(
            409,
            "in-live-lesson",
            Text(
                f"课程“{title}”正在进行。请先结束它。",
                f"The lesson “{title}” is going on. End it first.",
            ),
        )
