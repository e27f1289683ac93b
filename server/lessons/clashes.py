"""Double booking: which other lessons need a classroom at the time of one.

It is told, not refused: the timetable knows when lessons begin and not how long they last, and a
teacher may know that the other is a short one. Whether its classrooms are free when a lesson opens
is asked by `server.lessons.desk`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import Lesson, LessonPhase
from server.lessons.told import SeatTold, seats_told, teacher_name

LASTS_S = 2700.0  # what is counted for a lesson: at school it lasts 40 or 45 minutes


@dataclass(frozen=True, slots=True)
class Booking:
    """The classrooms that a lesson needs from its start on. A lesson not yet made has no id."""

    lesson_id: str
    classroom_ids: Sequence[str]
    starts_at: float


@dataclass(frozen=True, slots=True)
class Clash:
    """Another lesson that needs a classroom of this one, at its time."""

    lesson_id: str
    title: str
    teacher: str
    starts_at: float
    classroom_id: str
    place: str


async def find_clashes(
    session: AsyncSession, bookings: Sequence[Booking], *, now: float
) -> dict[str, list[Clash]]:
    """What each of these bookings meets, by the id of its lesson, the earliest first.

    A live lesson is in the way until somebody ends it, however long it lasts.
    """
    taken = await _taken(session, [booking.starts_at for booking in bookings])
    return {
        booking.lesson_id: sorted(
            (
                _clash(other, seat)
                for classroom_id in booking.classroom_ids
                for other, seat in taken[classroom_id]
                if other.id != booking.lesson_id and _meet(booking.starts_at, other, now)
            ),
            key=lambda clash: (clash.starts_at, clash.place),
        )
        for booking in bookings
    }


async def _taken(
    session: AsyncSession, starts: Sequence[float]
) -> defaultdict[str, list[tuple[Lesson, SeatTold]]]:
    """The lessons in and about that time, by the classrooms they need."""
    taken: defaultdict[str, list[tuple[Lesson, SeatTold]]] = defaultdict(list)
    if not starts:
        return taken
    about = and_(
        Lesson.state == LessonPhase.PLANNED,
        Lesson.starts_at > min(starts) - LASTS_S,
        Lesson.starts_at < max(starts) + LASTS_S,
    )
    for lesson in await session.scalars(
        select(Lesson).where(
            Lesson.deleted_at.is_(None), or_(Lesson.state == LessonPhase.LIVE, about)
        )
    ):
        if lesson.state is LessonPhase.ENDED:  # which could not be written yet
            continue
        for seat in seats_told(lesson):
            if seat.classroom_id is not None:
                taken[seat.classroom_id].append((lesson, seat))
    return taken


def _meet(starts_at: float, other: Lesson, now: float) -> bool:
    begins = _begin(other)
    still_on = other.state is LessonPhase.LIVE and starts_at <= now
    return still_on or begins - LASTS_S < starts_at < begins + LASTS_S


def _begin(lesson: Lesson) -> float:
    return lesson.starts_at if lesson.started_at is None else lesson.started_at


def _clash(other: Lesson, seat: SeatTold) -> Clash:
    return Clash(
        lesson_id=other.id,
        title=other.title,
        teacher=teacher_name(other),
        starts_at=_begin(other),
        classroom_id=seat.classroom_id or "",
        place=seat.place,
    )
