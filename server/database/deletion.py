"""Deleting so that it can be undone: marked now, restored on demand, gone after some days.

What hangs on a deleted thing is deleted with it at the same moment, and comes back with it: a
school's classrooms. What would be left without sense refuses the deletion instead.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.people import find_user, refuse_last_administrator
from server.accounts.sign_ins import end_all_sign_ins
from server.database.models import (
    Classroom,
    Community,
    CommunityPartner,
    Credential,
    Lesson,
    LessonPhase,
    LessonSeat,
    Recording,
    Row,
    School,
    User,
    UserRole,
)
from server.errors import Refusal, Text, field_refused, not_found
from server.schools.communities import check_community_name
from server.schools.places import check_classroom, check_school_name

Kind = Literal["schools", "classrooms", "communities", "users", "lessons", "recordings"]
KINDS: dict[Kind, type[Row]] = {
    "schools": School,
    "classrooms": Classroom,
    "communities": Community,
    "users": User,
    "lessons": Lesson,
    "recordings": Recording,
}
DAY_S = 86_400.0


async def delete_row(session: AsyncSession, row: Row, now: float) -> None:
    """Delete a living row; refuses (409) what something in use still needs."""
    match row:
        case School():
            await _refuse_school_in_use(session, row)
            await session.execute(
                update(Classroom)
                .where(Classroom.school_id == row.id, Classroom.deleted_at.is_(None))
                .values(deleted_at=now)
            )
        case Classroom():
            await _refuse_in_live_lesson(session, LessonSeat.classroom_id == row.id)
        case Community():
            await _refuse_in_live_lesson(session, Lesson.community_id == row.id)
        case User():
            if row.role is UserRole.ADMINISTRATOR:
                await refuse_last_administrator(session)
            await _refuse_in_live_lesson(session, Lesson.teacher_id == row.id)
            await end_all_sign_ins(session, row.id)
        case Lesson():
            await _refuse_in_live_lesson(session, Lesson.id == row.id)
        case Recording():
            pass
    row.deleted_at = now
    await session.flush()


async def restore_row(session: AsyncSession, kind: Kind, row_id: str) -> Row:
    """Undo a deletion.

    Refuses (404) what was never deleted or is gone for good, and (409) what would collide with
    something made since.
    """
    row = await session.get(KINDS[kind], row_id)
    if row is None or row.deleted_at is None:
        raise not_found("已删除的项目", "deleted item")
    deleted_at, row.deleted_at = row.deleted_at, None
    with session.no_autoflush:
        match row:
            case School():
                await check_school_name(session, row.name, but=row.id)
                await session.execute(
                    update(Classroom)
                    .where(Classroom.school_id == row.id, Classroom.deleted_at == deleted_at)
                    .values(deleted_at=None)
                )
            case Classroom():
                await check_classroom(session, school_id=row.school_id, name=row.name, but=row.id)
            case Community():
                await check_community_name(session, row.name, but=row.id)
                await _refuse_missing_schools(session, row)
            case User():
                other = await find_user(session, row.username)
                if other is not None and other.id != row.id:
                    raise field_refused(
                        "username",
                        "这个用户名已被他人使用。",
                        "This user name has been taken since.",
                        code="name-taken",
                        status=409,
                    )
            case Lesson() | Recording():
                pass
    await session.flush()
    return row


async def purge(session: AsyncSession, *, deleted_before: float) -> list[str]:
    """Remove for good what was deleted before that time; returns the recordings whose files go."""
    gone = list(
        await session.scalars(select(Recording.id).where(Recording.deleted_at < deleted_before))
    )
    # Recordings and lessons first: what they refer to is unlinked, not removed, by the rest.
    for model in (Recording, Lesson, Community, User, Classroom, School):
        await session.execute(delete(model).where(model.deleted_at < deleted_before))
    await session.execute(delete(Credential).where(Credential.revoked_at < deleted_before))
    return gone


async def _refuse_school_in_use(session: AsyncSession, school: School) -> None:
    partner_in = select(CommunityPartner.community_id).where(
        CommunityPartner.school_id == school.id
    )
    name = await session.scalar(
        select(Community.name).where(
            Community.deleted_at.is_(None),
            or_(Community.lead_school_id == school.id, Community.id.in_(partner_in)),
        )
    )
    if name is not None:
        raise Refusal(
            409,
            "in-use",
            Text(
                f"这所学校在教学共同体“{name}”中。请先将它移出共同体。",
                f"This school takes part in the community “{name}”. Take it out of there first.",
            ),
        )
    rooms = select(Classroom.id).where(Classroom.school_id == school.id)
    await _refuse_in_live_lesson(session, LessonSeat.classroom_id.in_(rooms))


async def _refuse_in_live_lesson(session: AsyncSession, condition: object) -> None:
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


async def _refuse_missing_schools(session: AsyncSession, community: Community) -> None:
    wanted = {community.lead_school_id, *(partner.school_id for partner in community.partners)}
    living = set(
        await session.scalars(
            select(School.id).where(School.id.in_(wanted), School.deleted_at.is_(None))
        )
    )
    if wanted - living:
        raise Refusal(
            409,
            "school-deleted",
            Text(
                "共同体中的学校已被删除。请先恢复学校。",
                "A school of this community has been deleted. Restore it first.",
            ),
        )


async def list_deleted(session: AsyncSession) -> list[tuple[Kind, str, str, float]]:
    """What can still be restored: kind, id, name, when; the latest first."""
    found = []
    for kind, model in KINDS.items():
        rows = await session.scalars(select(model).where(model.deleted_at.is_not(None)))
        found += [(kind, row.id, _name(row), row.deleted_at or 0.0) for row in rows]
    return sorted(found, key=lambda entry: entry[3], reverse=True)


def _name(row: Row) -> str:
    match row:
        case User():
            return row.display_name
        case Lesson() | Recording():
            return row.title
        case School() | Classroom() | Community():
            return row.name
    raise AssertionError(f"no name for {type(row)}")
