"""A lesson as the HTTP interface tells it, to a person or to a room's device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.permissions import Right
from server.api.fields import View
from server.database.models import Lesson, LessonPhase, User
from server.errors import Refusal
from server.lessons.clashes import Booking, Clash, find_clashes
from server.lessons.rights import rights_of
from server.lessons.told import classrooms_of, seats_told, teacher_name, teacher_of
from server.services import Services
from signaling.protocol.messages import Mode, Role


class TeacherView(View):
    id: str | None
    display_name: str


class SeatView(View):
    seat_id: str
    role: Role
    classroom_id: str | None
    name: str
    school: str
    gone: bool


class ClashView(View):
    lesson_id: str
    title: str
    teacher: str
    teacher_id: str | None
    state: LessonPhase
    starts_at: float
    classroom_id: str | None
    place: str


class WaitsView(View):
    code: str
    message_zh: str
    message_en: str


class LessonView(View):
    id: str
    title: str
    subject: str
    grade: str
    mode: Mode
    state: LessonPhase
    starts_at: float
    started_at: float | None
    ended_at: float | None
    record: bool
    community_id: str | None
    teacher: TeacherView
    seats: list[SeatView]
    clashes: list[ClashView]
    waits: WaitsView | None
    may: list[Right]


def clash_view(clash: Clash) -> ClashView:
    """One classroom (or the teacher) that two lessons need at one time, seen from one of them."""
    return ClashView(
        lesson_id=clash.lesson_id,
        title=clash.title,
        teacher=clash.teacher,
        teacher_id=clash.teacher_id,
        state=clash.state,
        starts_at=clash.starts_at,
        classroom_id=clash.classroom_id,
        place=clash.place,
    )


def lesson_view(
    lesson: Lesson,
    *,
    clashes: Sequence[Clash] = (),
    waits: Refusal | None = None,
    may: Iterable[Right] = (),
) -> LessonView:
    """A lesson with what is known of it besides; to a room's device nothing is."""
    # An ended lesson keeps whose it was; a planned one whose teacher is no more has none.
    has_teacher = lesson.state is not LessonPhase.PLANNED or teacher_of(lesson) is not None
    return LessonView(
        id=lesson.id,
        title=lesson.title,
        subject=lesson.subject,
        grade=lesson.grade,
        mode=Mode(lesson.mode),
        state=lesson.state,
        starts_at=lesson.starts_at,
        started_at=lesson.started_at,
        ended_at=lesson.ended_at,
        record=lesson.record,
        community_id=lesson.community_id,
        teacher=TeacherView(
            id=lesson.teacher_id if has_teacher else None, display_name=teacher_name(lesson)
        ),
        seats=[
            SeatView(
                seat_id=seat.seat_id,
                role=seat.role,
                classroom_id=seat.classroom_id,
                name=seat.name,
                school=seat.school,
                gone=seat.gone,
            )
            for seat in seats_told(lesson)
        ],
        clashes=[clash_view(clash) for clash in clashes],
        waits=None
        if waits is None
        else WaitsView(code=waits.code, message_zh=waits.text.zh, message_en=waits.text.en),
        may=sorted(may),
    )


async def lesson_views(
    session: AsyncSession, services: Services, user: User, lessons: Sequence[Lesson]
) -> list[LessonView]:
    """Lessons as this person sees them: with what they may do, what clashes, and why one waits."""
    desk = services.lessons
    planned = [lesson for lesson in lessons if lesson.state is LessonPhase.PLANNED]
    found = await find_clashes(
        session,
        [
            Booking(lesson.id, classrooms_of(lesson), lesson.starts_at, lesson.teacher_id)
            for lesson in planned
        ],
        now=services.clock(),
    )
    clashes = {lesson.id: met for lesson, met in zip(planned, found, strict=True)}
    return [
        lesson_view(
            lesson,
            clashes=clashes.get(lesson.id, ()),
            waits=desk.waits_for(lesson.id),
            may=rights_of(user, lesson, led=desk.is_led(lesson)),
        )
        for lesson in lessons
    ]
