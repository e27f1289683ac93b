"""Who may be in a live lesson *now*: asked at every join, and every few seconds of all who are in.

A join token opens the door for some minutes and a device that is in stays in, so what the token was
given for may be over meanwhile: the account deleted, the credential revoked, the lesson led by
another. This is the one place that says so, from the database as it stands; what is said of a new
token (`server.lessons.admission`) holds here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import Classroom, Credential, Lesson, User
from server.errors import Refusal
from server.lessons.admission import admit
from server.lessons.bearers import DEVICE, PERSON
from server.lessons.rights import is_its_teacher
from server.lessons.timetable import get_visible_lesson
from server.lessons.told import room_of
from signaling.lesson import SeatedDevice
from signaling.ports import Identity
from signaling.protocol.messages import RemovalCode, Role


async def refusal_of(
    session: AsyncSession, lesson: Lesson, bearer_id: str, role: Role, seat_id: str
) -> RemovalCode | None:
    """Why this bearer may not be at this seat of a live lesson any more; None if they may.

    Of a bearer that an earlier version has not named nothing is known, and nothing is said.
    """
    if bearer_id.startswith(DEVICE):
        return await _refusal_of_device(
            session, lesson, bearer_id.removeprefix(DEVICE), role, seat_id
        )
    if bearer_id.startswith(PERSON):
        user = await session.get(User, bearer_id.removeprefix(PERSON))
        return await _refusal_of_person(session, lesson, user, role, seat_id)
    return None


async def find_unwelcome(
    session: AsyncSession, there: Mapping[str, Sequence[SeatedDevice]]
) -> dict[str, dict[str, RemovalCode]]:
    """Of the devices in live lessons those that may not be there: lesson → device → why."""
    # The rows are asked for together, and found in the session one by one below.
    bearers = {device.bearer.bearer_id for devices in there.values() for device in devices}
    credentials = {b.removeprefix(DEVICE) for b in bearers if b.startswith(DEVICE)}
    people = {b.removeprefix(PERSON) for b in bearers if b.startswith(PERSON)}
    known: list[object] = []
    for query in (
        select(User).where(User.id.in_(people)),
        select(Credential).where(Credential.id.in_(credentials)),
        select(Classroom)
        .join(Credential, Credential.classroom_id == Classroom.id)
        .where(Credential.id.in_(credentials)),
    ):
        known += await session.scalars(query)
    found: dict[str, dict[str, RemovalCode]] = {}
    lessons = await session.scalars(select(Lesson).where(Lesson.id.in_(there)))
    for lesson in list(lessons):
        for device in there[lesson.id]:
            code = await refusal_of(
                session, lesson, device.bearer.bearer_id, device.role, device.seat_id
            )
            if code is not None:
                found.setdefault(lesson.id, {})[device.device_id] = code
    return found


async def _refusal_of_device(
    session: AsyncSession, lesson: Lesson, credential_id: str, role: Role, seat_id: str
) -> RemovalCode | None:
    credential = await session.get(Credential, credential_id)
    if credential is None or credential.revoked_at is not None:
        return RemovalCode.CREDENTIAL_REVOKED
    classroom = await session.get(Classroom, credential.classroom_id)
    if classroom is None or classroom.deleted_at is not None:
        return RemovalCode.CREDENTIAL_REVOKED
    for seat in lesson.seats:
        if (seat.seat_id, seat.role, seat.classroom_id) == (seat_id, role, classroom.id):
            return RemovalCode.NOT_ADMITTED if room_of(lesson, seat) is None else None
    return RemovalCode.NOT_ADMITTED


async def _refusal_of_person(
    session: AsyncSession, lesson: Lesson, user: User | None, role: Role, seat_id: str
) -> RemovalCode | None:
    if user is None or user.deleted_at is not None:
        return RemovalCode.ACCOUNT_DELETED
    if role is Role.LEAD:
        return None if is_its_teacher(user, lesson) else RemovalCode.TAKEN_OVER
    try:
        await get_visible_lesson(session, user, lesson.id)
        await admit(session, user, lesson, role, seat_id if role is Role.ROOM else None)
    except Refusal:
        return RemovalCode.NOT_ADMITTED
    return None


async def refusal_of_token(session: AsyncSession, identity: Identity) -> RemovalCode | None:
    """Why who bears a token that verifies may not come in any more; None if they may.

    Whether the lesson is live is not asked here: who opens it knows.
    """
    lesson = await session.get(Lesson, identity.lesson_id)
    if lesson is None:
        return None
    return await refusal_of(
        session, lesson, identity.bearer.bearer_id, identity.role, identity.seat_id
    )
