"""Double booking: which other lessons need a classroom, or the teacher, at the time of one.

It is told, not refused: the timetable knows when lessons begin and not how long they last, and a
teacher may know that the other is a short one. Whether its classrooms are free when a lesson opens
is asked by `server.lessons.desk`. Only a crowd is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import Lesson, LessonPhase
from server.errors import field_refused
from server.lessons.told import SeatTold, seats_told, teacher_name, teacher_of

LASTS_S = 2700.0  # what is counted for a lesson: at school it lasts 40 or 45 minutes
TOGETHER_S = 86_400.0  # times that are asked for in one: a day's lessons are few
MOST_AT_ONCE = 8  # of a teacher, who can be in one: drafts, and one for each of the groups
MOST_TOLD = 20  # of a lesson: with more than that nobody deals one by one


@dataclass(frozen=True, slots=True)
class Booking:
    """What a lesson needs from its start on: classrooms, a teacher. One not yet made has no id."""

    lesson_id: str
    classroom_ids: Sequence[str]
    starts_at: float
    teacher_id: str | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Another lesson that needs a classroom of this one at its time; without one, its teacher."""

    lesson_id: str
    title: str
    teacher: str
    teacher_id: str | None
    state: LessonPhase
    starts_at: float
    classroom_id: str | None
    place: str


@dataclass(frozen=True, slots=True)
class _Taken:
    """The lessons about a time, the earliest first, by the classrooms and the teachers they
    need.
    """

    classrooms: defaultdict[str, list[tuple[Lesson, SeatTold]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    teachers: defaultdict[str, list[Lesson]] = field(default_factory=lambda: defaultdict(list))


async def find_clashes(
    session: AsyncSession, bookings: Sequence[Booking], *, now: float
) -> list[list[Clash]]:
    """What each of these bookings meets, in their order, the earliest first; some twenty at most.

    A live lesson is in the way until somebody ends it, however long it lasts.
    """
    taken = await _taken(session, [booking.starts_at for booking in bookings])
    return [_clashes(booking, taken, now) for booking in bookings]


def _clashes(booking: Booking, taken: _Taken, now: float) -> list[Clash]:
    def meets(other: Lesson) -> bool:
        return other.id != booking.lesson_id and _meet(booking.starts_at, other, now)

    found: list[Clash] = []
    for classroom_id in booking.classroom_ids:
        met = (pair for pair in taken.classrooms[classroom_id] if meets(pair[0]))
        found += [_clash(other, seat) for other, seat in islice(met, MOST_TOLD)]
    told = {clash.lesson_id for clash in found}
    others = (other for other in taken.teachers[booking.teacher_id or ""] if meets(other))
    alone = (other for other in others if other.id not in told)
    found += [_clash(other, None) for other in islice(alone, MOST_TOLD)]
    return sorted(found, key=lambda clash: (clash.starts_at, clash.place))[:MOST_TOLD]


async def _taken(session: AsyncSession, starts: Sequence[float]) -> _Taken:
    """The lessons in and about those times."""
    taken = _Taken()
    if not starts:
        return taken
    about = [
        and_(
            Lesson.state == LessonPhase.PLANNED,
            Lesson.starts_at > first - LASTS_S,
            Lesson.starts_at < last + LASTS_S,
        )
        for first, last in _spans(starts)
    ]
    lessons = await session.scalars(
        select(Lesson).where(
            Lesson.deleted_at.is_(None), or_(Lesson.state == LessonPhase.LIVE, *about)
        )
    )
    for lesson in sorted(lessons, key=_begin):
        if lesson.state is LessonPhase.ENDED:  # which could not be written yet
            continue
        if (teacher := teacher_of(lesson)) is not None:
            taken.teachers[teacher.id].append(lesson)
        for seat in seats_told(lesson):
            if seat.classroom_id is not None:
                taken.classrooms[seat.classroom_id].append((lesson, seat))
    return taken


def _spans(starts: Sequence[float]) -> list[tuple[float, float]]:
    """First and last of the times that lie together: a term's lessons are not read for one a week.

    There are as many at most as times are asked for, which stays below what a database takes.
    """
    spans: list[tuple[float, float]] = []
    for at in sorted(starts):
        if spans and at - spans[-1][1] < TOGETHER_S:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
    return spans


def _meet(starts_at: float, other: Lesson, now: float) -> bool:
    begins = _begin(other)
    still_on = other.state is LessonPhase.LIVE and starts_at <= now
    return still_on or begins - LASTS_S < starts_at < begins + LASTS_S


def _begin(lesson: Lesson) -> float:
    return lesson.starts_at if lesson.started_at is None else lesson.started_at


def _clash(other: Lesson, seat: SeatTold | None) -> Clash:
    teacher = teacher_of(other)
    return Clash(
        lesson_id=other.id,
        title=other.title,
        teacher=teacher_name(other),
        teacher_id=None if teacher is None else teacher.id,
        state=other.state,
        starts_at=_begin(other),
        classroom_id=None if seat is None else seat.classroom_id,
        place="" if seat is None else seat.place,
    )


async def refuse_crowd(
    session: AsyncSession, teacher_id: str | None, starts_at: float, *, but: str = ""
) -> None:
    """Refuses (409) one more lesson of a teacher who has very many at that time already.

    Each of them needs the others' places, and is told so: who plans by a program of theirs, or
    presses a button for fun, must not fill everybody's timetable with it.
    """
    if teacher_id is None:
        return
    planned = await session.scalar(
        select(func.count()).where(
            Lesson.teacher_id == teacher_id,
            Lesson.state == LessonPhase.PLANNED,
            Lesson.deleted_at.is_(None),
            Lesson.id != but,
            Lesson.starts_at > starts_at - LASTS_S,
            Lesson.starts_at < starts_at + LASTS_S,
        )
    )
    if (planned or 0) >= MOST_AT_ONCE:
        raise field_refused(
            "starts_at",
            f"这位老师在这个时间已安排了 {planned} 节课。请先取消其中一些，或换一个时间。",
            f"This teacher has {planned} lessons at this time already. Cancel some of them, or "
            "choose another time.",
            code="too-many-at-once",
            status=409,
        )
