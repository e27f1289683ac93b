"""The timetable: lessons planned and changed, and who may see them.

Owns the rules of a lesson before and after it is in progress; who may change it is `rights`', what
it says of its people and places `told`'s. While it is in progress its rules are signaling's;
`server.lessons.desk` stands between the two.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from sqlalchemy import Select, and_, case, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.deletion import Deletable
from server.database.in_use import refuse_in_live_lesson
from server.database.models import (
    Classroom,
    Community,
    Lesson,
    LessonPhase,
    LessonSeat,
    User,
    UserRole,
)
from server.database.paging import Asked, Key, Page, page_of
from server.errors import Refusal, Text, field_refused, not_found
from server.ids import new_id
from server.lessons.clashes import refuse_crowd
from server.lessons.told import classrooms_of, seats_told
from server.schools.communities import communities_of_school, get_community, schools_of
from signaling.protocol.messages import Mode, Role

LEAD_SEAT = "lead"
MOST_ROOMS = 16  # a wall of more pictures shows nobody; a region's broadcast is for observers
THIS_MINUTE_S = 60.0  # "at nine" may be put into the timetable while it is nine


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


@dataclass(frozen=True, slots=True)
class LessonChanges:
    """What shall be other than it is; None: as it is."""

    title: str | None = None
    subject: str | None = None
    grade: str | None = None
    mode: Mode | None = None
    community_id: str | None = None
    lead_classroom_id: str | None = None
    room_classroom_ids: tuple[str, ...] | None = None
    starts_at: float | None = None
    record: bool | None = None


async def visible_lessons(
    session: AsyncSession, user: User, *, cancelled: bool = False
) -> Select[Lesson]:
    """The lessons a person may see: all for administrators, else their schools' and their own.

    With `cancelled` also those that are cancelled and can still come back.
    """
    query = select(Lesson)
    if not cancelled:
        query = query.where(Lesson.deleted_at.is_(None))
    if user.role is UserRole.ADMINISTRATOR:
        return query
    communities = await communities_of_school(session, user.school_id)
    return query.where(or_(Lesson.community_id.in_(communities), Lesson.teacher_id == user.id))


async def get_visible_lesson(
    session: AsyncSession, user: User, lesson_id: str, *, cancelled: bool = False
) -> Lesson:
    """The lesson, if this person may see it; refuses with 404 otherwise."""
    query = await visible_lessons(session, user, cancelled=cancelled)
    lesson = await session.scalar(query.where(Lesson.id == lesson_id))
    if lesson is None:
        raise not_found("课程", "lesson")
    return lesson


async def classrooms_to_choose(
    session: AsyncSession, user: User, classroom_ids: Sequence[str]
) -> list[str]:
    """Those of the classrooms that this person may choose for a lesson of theirs."""
    if user.role is UserRole.ADMINISTRATOR:
        return list(classroom_ids)
    known = await _classrooms(session, classroom_ids)
    schools: set[str] = set()
    for community_id in await communities_of_school(session, user.school_id):
        schools |= await _schools_of(session, community_id)
    return [one for one in classroom_ids if one in known and known[one].school_id in schools]


async def list_lessons(
    session: AsyncSession,
    user: User,
    *,
    since: float | None = None,
    until: float | None = None,
    state: LessonPhase | None = None,
    asked: Asked,
) -> Page[Lesson]:
    """A page of the lessons that start within the time: the last ones first, and each page in the
    order of their start.

    Those that are live come before all others, whenever they were to start: they are now.
    """
    live = Lesson.state == LessonPhase.LIVE
    query = await visible_lessons(session, user)
    if since is not None:
        query = query.where(or_(live, Lesson.starts_at >= since))
    if until is not None:
        query = query.where(or_(live, Lesson.starts_at < until))
    if state is LessonPhase.ENDED:  # or it is over, and that could not be written yet
        query = query.where(Lesson.state.in_([LessonPhase.LIVE, state]))
    elif state is not None:
        query = query.where(Lesson.state == state)
    live_first = Key(case((live, 0.0), else_=1.0), float)
    last_first = Key(Lesson.starts_at, float, descending=True)
    page = await page_of(session, query, (live_first, last_first, Key(Lesson.id, str)), asked)
    found = [one for one in page.rows if state is None or one.state is state]
    return Page(sorted(found, key=lambda lesson: (lesson.starts_at, lesson.id)), page.cursor)


async def refuse_unplannable(session: AsyncSession, teacher: User, draft: LessonDraft) -> None:
    """Refuses (422, 403) a lesson with places that this person may not plan.

    For who makes room for it before it is planned: others' lessons are not ended for nothing.
    """
    community = await _community_of(session, teacher, draft.community_id)
    schools = set(schools_of(community))
    await _chosen(session, schools, draft.lead_classroom_id, draft.room_classroom_ids)


async def plan_lesson(
    session: AsyncSession, teacher: User, draft: LessonDraft, *, now: float
) -> Lesson:
    """A new lesson in the timetable, still closed. Refuses what does not fit (422, 403)."""
    if draft.starts_at is not None:
        _refuse_past(draft.starts_at, now)
        await refuse_crowd(session, teacher.id, draft.starts_at)
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
        community=community,
        teacher_id=teacher.id,
        teacher=teacher,
        teacher_name=teacher.display_name,
        seats=[],
    )
    lesson.seats = await _seats(
        session,
        lesson,
        set(schools_of(community)),
        draft.lead_classroom_id,
        draft.room_classroom_ids,
    )
    session.add(lesson)
    await session.flush()
    return lesson


async def plan_series(
    session: AsyncSession,
    teacher: User,
    draft: LessonDraft,
    starts: Sequence[float],
    *,
    now: float,
) -> list[Lesson]:
    """The same lesson at each of these times, each a lesson of its own. Refuses as one does."""
    if len(set(starts)) < len(starts):
        raise field_refused("starts", "同一时间出现了两次。", "One time is named twice.")
    return [
        await plan_lesson(session, teacher, replace(draft, starts_at=at), now=now) for at in starts
    ]


def _refuse_past(starts_at: float, now: float) -> None:
    if starts_at < now - THIS_MINUTE_S:
        raise field_refused(
            "starts_at",
            "这个时间已经过去，请选择将来的时间。",
            "This time is over. Choose one to come.",
        )


async def change_lesson(
    session: AsyncSession, lesson: Lesson, changes: LessonChanges, *, now: float
) -> None:
    """Bring what is given into a lesson; a live or ended one takes only words.

    Only what changes is checked: a lesson whose room was deleted meanwhile can still be renamed.
    """
    if lesson.state is not LessonPhase.PLANNED:
        _refuse_after_beginning(lesson, changes)
    lesson.title = lesson.title if changes.title is None else changes.title
    lesson.subject = lesson.subject if changes.subject is None else changes.subject
    lesson.grade = lesson.grade if changes.grade is None else changes.grade
    if lesson.state is LessonPhase.PLANNED:
        if changes.starts_at is not None and changes.starts_at != lesson.starts_at:
            _refuse_past(changes.starts_at, now)
            await refuse_crowd(session, lesson.teacher_id, changes.starts_at, but=lesson.id)
            lesson.starts_at = changes.starts_at
        lesson.mode = lesson.mode if changes.mode is None else changes.mode.value
        lesson.record = lesson.record if changes.record is None else changes.record
        await _change_places(session, lesson, changes)
    await session.flush()


def _refuse_after_beginning(lesson: Lesson, changes: LessonChanges) -> None:
    rooms = tuple(s.classroom_id for s in lesson.seats if s.role == Role.ROOM)
    lead = next((s.classroom_id for s in lesson.seats if s.role == Role.LEAD), None)
    for wanted, said in (
        (changes.mode, Mode(lesson.mode)),
        (changes.community_id, lesson.community_id),
        (changes.lead_classroom_id, lead),
        (changes.room_classroom_ids, rooms),
        (changes.starts_at, lesson.starts_at),
        (changes.record, lesson.record),
    ):
        if wanted is not None and wanted != said:
            raise Refusal(
                409,
                "lesson-begun",
                Text(
                    "课程已开始或已结束，只能修改标题、学科和年级。",
                    "The lesson has begun or is over: only title, subject and grade can change.",
                ),
            )


def give_to(lesson: Lesson, teacher: User) -> None:
    """This person is the lesson's teacher from now on."""
    lesson.teacher, lesson.teacher_id = teacher, teacher.id
    lesson.teacher_name = teacher.display_name
    for seat in lesson.seats:
        if seat.role == Role.LEAD:
            seat.name = teacher.display_name


async def _change_places(session: AsyncSession, lesson: Lesson, changes: LessonChanges) -> None:
    """Other rooms, another community."""
    given = (changes.community_id, changes.lead_classroom_id, changes.room_classroom_ids)
    if all(each is None for each in given):
        return
    told = seats_told(lesson)
    kept = {seat.classroom_id for seat in told if seat.classroom_id}
    if changes.community_id in {None, lesson.community_id}:
        schools = await _schools_of(session, lesson.community_id)
    else:
        kept = set()
        teacher = lesson.teacher  # also one who has gone elsewhere: it may become theirs again
        gone = teacher is None or teacher.deleted_at is not None
        community = await _community_of(
            session, None if gone else teacher, changes.community_id or ""
        )
        lesson.community, schools = community, set(schools_of(community))
    rooms = tuple(s.classroom_id for s in told if s.role is Role.ROOM and s.classroom_id)
    lead = next((s.classroom_id for s in told if s.role is Role.LEAD), None)
    lesson.seats = await _seats(
        session,
        lesson,
        schools,
        changes.lead_classroom_id or lead or "",
        rooms if changes.room_classroom_ids is None else changes.room_classroom_ids,
        kept=kept,
    )


async def _schools_of(session: AsyncSession, community_id: str | None) -> set[str]:
    """The schools of a community; none of one that is no more."""
    try:
        return set(schools_of(await get_community(session, community_id or "")))
    except Refusal:
        return set()


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
            or_(
                Lesson.state == LessonPhase.LIVE,
                and_(Lesson.state == LessonPhase.PLANNED, Lesson.starts_at < until),
            ),
        )
    )
    lessons = list(found)
    live = [lesson for lesson in lessons if lesson.state is LessonPhase.LIVE]
    planned = [
        lesson
        for lesson in lessons
        if lesson.state is LessonPhase.PLANNED and classroom_id in classrooms_of(lesson)
    ]
    live.sort(key=lambda lesson: lesson.started_at or 0.0, reverse=True)
    planned.sort(key=lambda lesson: lesson.starts_at)
    return live + planned


async def _community_of(
    session: AsyncSession, teacher: User | None, community_id: str
) -> Community:
    try:
        community = await get_community(session, community_id)
    except Refusal:
        raise field_refused(
            "community_id", "没有这个教学共同体。", "There is no such community."
        ) from None
    administrator = teacher is None or teacher.role is UserRole.ADMINISTRATOR
    if teacher is not None and not administrator and teacher.school_id not in schools_of(community):
        raise field_refused(
            "community_id",
            "您的学校不在这个教学共同体中。请联系管理员。",
            "Your school takes no part in this community. Ask the administrator.",
            code="not-your-community",
            status=403,
        )
    return community


async def _seats(
    session: AsyncSession,
    lesson: Lesson,
    schools: Set[str],
    lead_id: str,
    room_ids: Sequence[str],
    *,
    kept: Set[str] = frozenset(),
) -> list[LessonSeat]:
    """The lead's seat and the rooms' seats, where `_chosen` allows it. A room that stays keeps its
    row.
    """
    known = await _chosen(session, schools, lead_id, room_ids, kept=kept)
    old = {seat.seat_id: seat for seat in lesson.seats}
    seats = []
    for place, classroom in enumerate(known):
        seat_id = f"room-{place}" if place else LEAD_SEAT
        seat = old.get(seat_id) or LessonSeat(seat_id=seat_id)
        seat.place = place
        seat.role = (Role.ROOM if place else Role.LEAD).value
        seat.classroom_id, seat.classroom = classroom.id, classroom
        seat.name = classroom.name if place else lesson.teacher_name
        seat.school = classroom.school.name
        seat.profile = classroom.profile
        seats.append(seat)
    return seats


async def _chosen(
    session: AsyncSession,
    schools: Set[str],
    lead_id: str,
    room_ids: Sequence[str],
    *,
    kept: Set[str] = frozenset(),
) -> list[Classroom]:
    """The lead's classroom, then the rooms'. Refuses (422) any that does not fit.

    They must be of these schools; those in `kept` need only exist.
    """
    rooms = "room_classroom_ids"
    if not room_ids:
        raise field_refused(rooms, "请至少选择一间教室。", "Choose at least one room.")
    if len(room_ids) > MOST_ROOMS:
        raise field_refused(
            rooms, f"教室最多 {MOST_ROOMS} 间。", f"There may be at most {MOST_ROOMS} rooms."
        )
    wanted = (lead_id, *room_ids)
    if len(set(wanted)) < len(wanted):
        raise field_refused(rooms, "同一间教室出现了两次。", "One classroom is named twice.")
    known = await _classrooms(session, wanted)
    for place, classroom_id in enumerate(wanted):
        found = known.get(classroom_id)
        if found is None or (found.school_id not in schools and found.id not in kept):
            raise field_refused(
                rooms if place else "lead_classroom_id",
                "所选教室不存在，或不属于这个教学共同体。",
                "A chosen classroom does not exist, or belongs to no school of this community.",
            )
    return [known[classroom_id] for classroom_id in wanted]


async def _classrooms(session: AsyncSession, wanted: Sequence[str]) -> dict[str, Classroom]:
    found = await session.scalars(
        select(Classroom).where(Classroom.id.in_(wanted), Classroom.deleted_at.is_(None))
    )
    return {classroom.id: classroom for classroom in found}


async def _delete(session: AsyncSession, lesson: Lesson, now: float) -> None:
    await refuse_in_live_lesson(session, Lesson.id == lesson.id)


async def _restore(session: AsyncSession, lesson: Lesson, deleted_at: float) -> None:
    if lesson.state is LessonPhase.PLANNED:
        await refuse_crowd(session, lesson.teacher_id, lesson.starts_at, but=lesson.id)


LESSONS = Deletable("lessons", Lesson, lambda row: row.title, _delete, _restore)
