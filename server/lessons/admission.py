"""Who may take which seat of a lesson: the rules behind every join token for a person.

Room devices are `server.lessons.rooms`'; what a seat may do once inside is signaling's.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.permissions import SEATS, Standing, only_for, standings_of
from server.database.models import Classroom, Lesson, LessonPhase, LessonSeat, User
from server.errors import Refusal, Text, field_refused
from server.lessons.bearers import person
from server.lessons.timetable import LEAD_SEAT
from signaling.ports import Identity
from signaling.protocol.messages import Role


async def admit(
    session: AsyncSession, user: User, lesson: Lesson, role: Role, seat_id: str | None
) -> Identity:
    """The identity a person may have in a live lesson they may see.

    For whom each seat is stands in the table (`SEATS`): a room's also for the teachers of that
    room's school, an assistant's for those of every school that takes part. Assistants and
    observers have a seat of their own.

    Refuses (409) a lesson that is not live, (403) a seat of others, (422) an unknown seat.
    """
    _refuse_closed(lesson)
    bearer = person(user)
    match role:
        case Role.LEAD:
            await _refuse_others(session, user, lesson, role)
            if seat_id not in {None, LEAD_SEAT}:
                raise _no_such_seat()
            return Identity(lesson.id, LEAD_SEAT, role, lesson.teacher_name, bearer)
        case Role.ROOM:
            seat = _room_seat(lesson, seat_id)
            await _refuse_others(session, user, lesson, role, [seat])
            return Identity(lesson.id, seat.seat_id, role, seat.name, bearer)
        case Role.ASSISTANT:
            _refuse_seat_id(seat_id)
            await _refuse_others(session, user, lesson, role, lesson.seats)
            return Identity(lesson.id, f"assistant-{user.id}", role, user.display_name, bearer)
        case Role.OBSERVER:
            _refuse_seat_id(seat_id)
            await _refuse_others(session, user, lesson, role)
            return Identity(lesson.id, f"observer-{user.id}", role, user.display_name, bearer)


def _room_seat(lesson: Lesson, seat_id: str | None) -> LessonSeat:
    for seat in lesson.seats:
        if seat.seat_id == seat_id and seat.role == Role.ROOM:
            return seat
    raise _no_such_seat()


def _no_such_seat() -> Refusal:
    return field_refused("seat_id", "这节课里没有这一方。", "This lesson has no such seat.")


def _refuse_seat_id(seat_id: str | None) -> None:
    if seat_id is not None:
        raise field_refused(
            "seat_id", "这个角色不必指定。", "This role has a seat of its own: name none."
        )


async def _refuse_others(
    session: AsyncSession,
    user: User,
    lesson: Lesson,
    role: Role,
    seats: Sequence[LessonSeat] = (),
) -> None:
    """Refuses (403) who is none of those for whom this seat is; `seats` say whose school counts."""
    who = SEATS[role]
    if who & standings_of(user, lesson.teacher_id):
        return
    if Standing.SCHOOL not in who:
        raise only_for(who)
    classroom_ids = [seat.classroom_id for seat in seats if seat.classroom_id]
    schools = set(
        await session.scalars(select(Classroom.school_id).where(Classroom.id.in_(classroom_ids)))
    )
    if user.school_id not in schools:
        raise Refusal(
            403,
            "not-your-seat",
            Text(
                "这里是别的学校的位置。您可以旁听。",
                "This seat belongs to another school. You can come in as an observer.",
            ),
        )


def _refuse_closed(lesson: Lesson) -> None:
    if lesson.state is LessonPhase.PLANNED:
        raise Refusal(
            409,
            "lesson-not-open",
            Text(
                "这节课还没有开始。主讲教师可以现在开始。",
                "This lesson has not begun. Its teacher can start it now.",
            ),
        )
    if lesson.state is LessonPhase.ENDED:
        raise Refusal(409, "lesson-over", Text("这节课已经结束。", "This lesson is over."))
