"""The timetable: lessons planned, opened, ended; who may see and who may lead them.

Owns the rules of a lesson before and after it is in progress. While it is in progress its rules
are signaling's; `server.lessons.desk` stands between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import (
    Classroom,
    Community,
    Lesson,
    LessonPhase,
    LessonSeat,
    School,
    User,
    UserRole,
)
from server.errors import Refusal, Text, field_refused, not_found
from server.ids import new_id
from server.schools.communities import communities_of_school, get_community, schools_of
from signaling.protocol.messages import Mode, Role

LEAD_SEAT = "lead"
MOST_ROOMS = 16  # a wall of more pictures shows nobody; a region's broadcast is for observers
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class LessonDraft:
    """What a teacher says about a lesson. `starts_at` None means: now."""

    title: str
    subject: str
    grade: str
    mode: Mode
    community_id: str
    lead_classroom_id: str
    room_classroom_ids: tuple[str, ...]
    starts_at: float | None
    record: bool


def is_its_teacher(user: User, lesson: Lesson) -> bool:
    """Whether this person may change, start, lead and end the lesson."""
    return user.role is UserRole.ADMINISTRATOR or lesson.teacher_id == user.id


def refuse_others(user: User, lesson: Lesson) -> None:
    """Refuses (403) everybody but the lesson's teacher and administrators."""
    if not is_its_teacher(user, lesson):
        raise Refusal(
            403,
            "not-its-teacher",
            Text(
                "只有本课的主讲教师或管理员可以这样做。",
                "Only the lesson's teacher or an administrator may do this.",
            ),
        )


async def visible_lessons(session: AsyncSession, user: User) -> Select[Lesson]:
    """The lessons a person may see: all for administrators, else their schools' and their own."""
    query = select(Lesson).where(Lesson.deleted_at.is_(None))
    if user.role is UserRole.ADMINISTRATOR:
        return query
    communities = await communities_of_school(session, user.school_id)
    return query.where(or_(Lesson.community_id.in_(communities), Lesson.teacher_id == user.id))


async def get_visible_lesson(session: AsyncSession, user: User, lesson_id: str) -> Lesson:
    """The lesson, if this person may see it; refuses with 404 otherwise."""
    query = await visible_lessons(session, user)
    lesson = await session.scalar(query.where(Lesson.id == lesson_id))
    if lesson is None:
        raise not_found("课程", "lesson")
    return lesson


async def list_lessons(
    session: AsyncSession,
    user: User,
    *,
    since: float | None = None,
    until: float | None = None,
    state: LessonPhase | None = None,
) -> list[Lesson]:
    """Lessons that start within the time, in the order of their start (the newest 500)."""
    query = await visible_lessons(session, user)
    if since is not None:
        query = query.where(Lesson.starts_at >= since)
    if until is not None:
        query = query.where(Lesson.starts_at < until)
    if state is LessonPhase.ENDED:  # or it is over, and that could not be written yet
        query = query.where(Lesson.state.in_([LessonPhase.LIVE, state]))
    elif state is not None:
        query = query.where(Lesson.state == state)
    query = query.order_by(Lesson.starts_at.desc(), Lesson.id).limit(MOST_LISTED)
    found = list(await session.scalars(query))[::-1]
    return [lesson for lesson in found if state is None or lesson.state is state]


async def plan_lesson(
    session: AsyncSession, teacher: User, draft: LessonDraft, *, now: float
) -> Lesson:
    """A new lesson in the timetable, still closed. Refuses what does not fit (422, 403)."""
    community = await _community_of(session, teacher, draft.community_id)
    lesson = Lesson(
        id=new_id(),
        created_at=now,
        title=draft.title,
        subject=draft.subject,
        grade=draft.grade,
        mode=draft.mode.value,
        state=LessonPhase.PLANNED,
        starts_at=now if draft.starts_at is None else draft.starts_at,
        record=draft.record,
        community_id=community.id,
        teacher_id=teacher.id,
        teacher_name=teacher.display_name,
        seats=[],
    )
    lesson.seats = await _seats(session, lesson, community, draft)
    session.add(lesson)
    await session.flush()
    return lesson


async def change_lesson(session: AsyncSession, lesson: Lesson, draft: LessonDraft) -> None:
    """Bring a planned lesson to this draft; a live or ended one keeps all but its words."""
    now_said = draft_of(lesson)
    if lesson.state is not LessonPhase.PLANNED and now_said != replace(
        draft, title=now_said.title, subject=now_said.subject, grade=now_said.grade
    ):
        raise Refusal(
            409,
            "lesson-begun",
            Text(
                "课程已开始或已结束，只能修改标题、学科和年级。",
                "The lesson has begun or is over: only title, subject and grade can change.",
            ),
        )
    lesson.title, lesson.subject, lesson.grade = draft.title, draft.subject, draft.grade
    if lesson.state is LessonPhase.PLANNED:
        teacher = await session.get(User, lesson.teacher_id)
        if teacher is None:
            raise not_found("主讲教师", "teacher of this lesson")
        community = await _community_of(session, teacher, draft.community_id)
        lesson.community_id = community.id
        lesson.mode = draft.mode.value
        lesson.record = draft.record
        if draft.starts_at is not None:
            lesson.starts_at = draft.starts_at
        lesson.seats = await _seats(session, lesson, community, draft)
    await session.flush()


def draft_of(lesson: Lesson) -> LessonDraft:
    """What was said about the lesson."""
    rooms = tuple(s.classroom_id or "" for s in lesson.seats if s.role == Role.ROOM)
    lead = next((s.classroom_id or "" for s in lesson.seats if s.role == Role.LEAD), "")
    return LessonDraft(
        title=lesson.title,
        subject=lesson.subject,
        grade=lesson.grade,
        mode=Mode(lesson.mode),
        community_id=lesson.community_id or "",
        lead_classroom_id=lead,
        room_classroom_ids=rooms,
        starts_at=lesson.starts_at,
        record=lesson.record,
    )


async def lessons_in_progress(session: AsyncSession) -> list[Lesson]:
    """All live lessons, the latest started first."""
    found = await session.scalars(
        select(Lesson)
        .where(Lesson.state == LessonPhase.LIVE, Lesson.deleted_at.is_(None))
        .order_by(Lesson.started_at.desc(), Lesson.id)
    )
    # The row as loaded knows of an end that could not be written yet (`endings`), the query not.
    return [lesson for lesson in found if lesson.state is LessonPhase.LIVE]


async def lessons_due(session: AsyncSession, *, by: float) -> list[Lesson]:
    """The planned lessons whose time has come, the earliest first."""
    found = await session.scalars(
        select(Lesson)
        .where(
            Lesson.state == LessonPhase.PLANNED,
            Lesson.deleted_at.is_(None),
            Lesson.starts_at <= by,
        )
        .order_by(Lesson.starts_at, Lesson.id)
    )
    return list(found)


async def lessons_of_classroom(
    session: AsyncSession, classroom_id: str, *, until: float
) -> list[Lesson]:
    """A classroom's live lessons (the latest first), then its coming ones by their start."""
    found = await session.scalars(
        select(Lesson)
        .join(LessonSeat)
        .where(
            LessonSeat.classroom_id == classroom_id,
            Lesson.deleted_at.is_(None),
            Lesson.state.in_([LessonPhase.LIVE, LessonPhase.PLANNED]),
            Lesson.starts_at < until,
        )
    )
    lessons = list(found)
    live = [lesson for lesson in lessons if lesson.state is LessonPhase.LIVE]
    planned = [lesson for lesson in lessons if lesson.state is LessonPhase.PLANNED]
    live.sort(key=lambda lesson: lesson.started_at or 0.0, reverse=True)
    planned.sort(key=lambda lesson: lesson.starts_at)
    return live + planned


async def _community_of(session: AsyncSession, teacher: User, community_id: str) -> Community:
    try:
        community = await get_community(session, community_id)
    except Refusal:
        raise field_refused(
            "community_id", "没有这个教学共同体。", "There is no such community."
        ) from None
    if teacher.role is not UserRole.ADMINISTRATOR and teacher.school_id not in schools_of(
        community
    ):
        raise field_refused(
            "community_id",
            "您的学校不在这个教学共同体中。请联系管理员。",
            "Your school takes no part in this community. Ask the administrator.",
            code="not-your-community",
            status=403,
        )
    return community


async def _seats(
    session: AsyncSession, lesson: Lesson, community: Community, draft: LessonDraft
) -> list[LessonSeat]:
    """The lead's seat and the rooms' seats. A room that stays keeps its row."""
    rooms = "room_classroom_ids"
    if not draft.room_classroom_ids:
        raise field_refused(rooms, "请至少选择一间教室。", "Choose at least one room.")
    if len(draft.room_classroom_ids) > MOST_ROOMS:
        raise field_refused(
            rooms, f"教室最多 {MOST_ROOMS} 间。", f"There may be at most {MOST_ROOMS} rooms."
        )
    wanted = (draft.lead_classroom_id, *draft.room_classroom_ids)
    if len(set(wanted)) < len(wanted):
        raise field_refused(rooms, "同一间教室出现了两次。", "One classroom is named twice.")
    known = await _classrooms(session, wanted, schools_of(community))
    for place, classroom_id in enumerate(wanted):
        if classroom_id not in known:
            raise field_refused(
                rooms if place else "lead_classroom_id",
                "所选教室不存在，或不属于这个教学共同体。",
                "A chosen classroom does not exist, or belongs to no school of this community.",
            )
    old = {seat.seat_id: seat for seat in lesson.seats}
    seats = []
    for place, classroom_id in enumerate(wanted):
        classroom, school = known[classroom_id]
        seat_id = f"room-{place}" if place else LEAD_SEAT
        seat = old.get(seat_id) or LessonSeat(seat_id=seat_id)
        seat.place = place
        seat.role = (Role.ROOM if place else Role.LEAD).value
        seat.classroom_id = classroom.id
        seat.name = classroom.name if place else lesson.teacher_name
        seat.school = school.name
        seat.profile = classroom.profile
        seats.append(seat)
    return seats


async def _classrooms(
    session: AsyncSession, wanted: Sequence[str], schools: Sequence[str]
) -> dict[str, tuple[Classroom, School]]:
    found = await session.execute(
        select(Classroom, School)
        .join(School, School.id == Classroom.school_id)
        .where(
            Classroom.id.in_(wanted),
            Classroom.deleted_at.is_(None),
            Classroom.school_id.in_(schools),
        )
    )
    return {classroom.id: (classroom, school) for classroom, school in found}
