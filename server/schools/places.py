"""Schools, their classrooms, and the credentials of the devices and encoders that stand in them.

How they are deleted and restored stands at the end.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.deletion import Deletable
from server.database.in_use import refuse_in_live_lesson
from server.database.models import (
    Classroom,
    Community,
    CommunityPartner,
    Credential,
    EncoderWay,
    LessonSeat,
    School,
    SchoolKind,
)
from server.errors import Refusal, Text, field_refused, not_found
from server.ids import new_id, new_secret, secret_hash
from server.names import is_taken
from signaling.protocol.messages import Source

# What the secrets of a room device and of an encoder begin with.
DEVICE_SECRET, SOURCE_KEY = "tkr", "tks"


async def get_school(session: AsyncSession, school_id: str) -> School:
    """The living school; refuses with 404."""
    school = await session.get(School, school_id)
    if school is None or school.deleted_at is not None:
        raise not_found("学校", "school")
    return school


async def list_schools(session: AsyncSession) -> list[School]:
    """All living schools, the longest known first."""
    found = await session.scalars(
        select(School).where(School.deleted_at.is_(None)).order_by(School.created_at, School.id)
    )
    return list(found)


async def add_school(session: AsyncSession, *, name: str, kind: SchoolKind, now: float) -> School:
    """A new school; refuses a taken name (409)."""
    await check_school_name(session, name)
    school = School(id=new_id(), created_at=now, name=name, kind=kind)
    session.add(school)
    await session.flush()
    return school


async def check_school_name(session: AsyncSession, name: str, *, but: str = "") -> None:
    """Refuses (409) a name that looks like another living school's."""
    others = select(School.name).where(School.deleted_at.is_(None), School.id != but)
    if is_taken(name, await session.scalars(others)):
        raise field_refused(
            "name",
            "已有同名的学校。",
            "There is a school of this name already.",
            code="name-taken",
            status=409,
        )


async def get_classroom(session: AsyncSession, classroom_id: str) -> Classroom:
    """The living classroom; refuses with 404."""
    classroom = await session.get(Classroom, classroom_id)
    if classroom is None or classroom.deleted_at is not None:
        raise not_found("教室", "classroom")
    return classroom


async def list_classrooms(
    session: AsyncSession, *, school_id: str | None = None
) -> list[Classroom]:
    """All living classrooms (of one school)."""
    query = select(Classroom).where(Classroom.deleted_at.is_(None))
    if school_id is not None:
        query = query.where(Classroom.school_id == school_id)
    return list(await session.scalars(query.order_by(Classroom.created_at, Classroom.id)))


async def add_classroom(
    session: AsyncSession, *, school_id: str, name: str, profile: str, now: float
) -> Classroom:
    """A new classroom; refuses an unknown school (422) and a name taken in its school (409)."""
    await check_classroom(session, school_id=school_id, name=name)
    classroom = Classroom(
        id=new_id(), created_at=now, school_id=school_id, name=name, profile=profile
    )
    session.add(classroom)
    await session.flush()
    return classroom


async def check_classroom(
    session: AsyncSession, *, school_id: str, name: str, but: str = ""
) -> None:
    """Refuses an unknown school (422) and a name like another classroom's there (409)."""
    school = await session.get(School, school_id)
    if school is None or school.deleted_at is not None:
        raise field_refused("school_id", "没有这所学校。", "There is no such school.")
    others = select(Classroom.name).where(
        Classroom.school_id == school_id, Classroom.deleted_at.is_(None), Classroom.id != but
    )
    if is_taken(name, await session.scalars(others)):
        raise field_refused(
            "name",
            "这所学校已有同名的教室。",
            "This school has a classroom of this name already.",
            code="name-taken",
            status=409,
        )


async def list_credentials(session: AsyncSession, classroom_id: str) -> list[Credential]:
    """The credentials of a classroom's devices that are in force."""
    return await _in_force(session, classroom_id, Credential.source.is_(None))


async def count_credentials(session: AsyncSession) -> dict[str, int]:
    """How many devices' credentials are in force, by classroom; those without any are left out."""
    found = await session.execute(
        select(Credential.classroom_id, func.count())
        .where(Credential.revoked_at.is_(None), Credential.source.is_(None))
        .group_by(Credential.classroom_id)
    )
    return {row[0]: row[1] for row in found}


async def list_source_keys(session: AsyncSession, classroom_id: str) -> list[Credential]:
    """The source keys of a classroom's encoders that are in force."""
    return await _in_force(session, classroom_id, Credential.source.is_not(None))


async def _in_force(
    session: AsyncSession, classroom_id: str, kind: ColumnElement[bool]
) -> list[Credential]:
    found = await session.scalars(
        select(Credential)
        .where(Credential.classroom_id == classroom_id, Credential.revoked_at.is_(None), kind)
        .order_by(Credential.created_at, Credential.id)
    )
    return list(found)


async def add_credential(
    session: AsyncSession,
    classroom: Classroom,
    *,
    label: str,
    now: float,
    source: Source | None = None,
    way: EncoderWay = EncoderWay.WHIP,
    port: int | None = None,
) -> tuple[Credential, str]:
    """A new device credential and its secret, which is told this once and never again.

    With a `source` it is a source key: of an encoder that sends this source this `way`.
    """
    secret = new_secret(DEVICE_SECRET if source is None else SOURCE_KEY)
    credential = Credential(
        id=new_id(),
        classroom_id=classroom.id,
        label=label,
        secret_hash=secret_hash(secret),
        source=source,
        way=way,
        port=port,
        created_at=now,
    )
    session.add(credential)
    await session.flush()
    return credential, secret


async def free_port(session: AsyncSession, first: int, most: int) -> int | None:
    """The first of `most` ports from `first` on that no SRT key in force has; None: all have."""
    taken = set(
        await session.scalars(
            select(Credential.port).where(
                Credential.port.is_not(None), Credential.revoked_at.is_(None)
            )
        )
    )
    return next((port for port in range(first, first + most) if port not in taken), None)


async def standing_sources(session: AsyncSession) -> list[Credential]:
    """Source keys for which the server itself does something while they are in force."""
    found = await session.scalars(
        select(Credential)
        .join(Classroom, Classroom.id == Credential.classroom_id)
        .where(
            Credential.way.in_([EncoderWay.SRT, EncoderWay.RTSP]),
            Credential.source.is_not(None),
            Credential.revoked_at.is_(None),
            Classroom.deleted_at.is_(None),
        )
        .order_by(Credential.created_at, Credential.id)
    )
    return list(found)


async def take_in(
    session: AsyncSession, classroom: Classroom, *, label: str, hashed: str, now: float
) -> Credential:
    """The credential of a paired screen: its secret is the screen's alone."""
    credential = Credential(
        id=new_id(),
        classroom_id=classroom.id,
        label=label,
        secret_hash=hashed,
        created_at=now,
    )
    session.add(credential)
    await session.flush()
    return credential


async def is_in_force(session: AsyncSession, hashed: str) -> bool:
    """Whether a device's credential with this hash is in force."""
    found = await session.scalar(
        select(Credential.id).where(
            Credential.secret_hash == hashed,
            Credential.source.is_(None),
            Credential.revoked_at.is_(None),
        )
    )
    return found is not None


async def revoke_credential(session: AsyncSession, credential_id: str, now: float) -> None:
    """This device is let in no more; refuses with 404."""
    credential = await session.get(Credential, credential_id)
    if credential is None or credential.revoked_at is not None or credential.source is not None:
        raise not_found("设备凭证", "device credential")
    credential.revoked_at = now
    await session.flush()


async def revoke_source_key(session: AsyncSession, key_id: str, now: float) -> None:
    """This encoder sends no more; refuses with 404."""
    key = await session.get(Credential, key_id)
    if key is None or key.revoked_at is not None or key.source is None:
        raise not_found("编码器密钥", "source key")
    key.revoked_at = now
    await session.flush()


def room_address(base: str, secret: str) -> str:
    """The address a room PC opens once. The secret is in the fragment: no server logs it."""
    return f"{base}/room#credential={secret}"


def whip_address(base: str, source: str) -> str:
    """The address an encoder sends a source to; its key goes beside it, in a header."""
    return f"{base}/whip/{source}"


async def sweep_credentials(session: AsyncSession, *, revoked_before: float) -> None:
    """Credentials that were revoked before that time are forgotten."""
    await session.execute(delete(Credential).where(Credential.revoked_at < revoked_before))


# --- deleted and restored -----------------------------------------------------------------------


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
    await refuse_in_live_lesson(session, LessonSeat.classroom_id.in_(rooms))


async def _delete_school(session: AsyncSession, school: School, now: float) -> None:
    await _refuse_school_in_use(session, school)
    await session.execute(
        update(Classroom)
        .where(Classroom.school_id == school.id, Classroom.deleted_at.is_(None))
        .values(deleted_at=now)
    )


async def _restore_school(session: AsyncSession, school: School, deleted_at: float) -> None:
    await check_school_name(session, school.name, but=school.id)
    await session.execute(
        update(Classroom)
        .where(Classroom.school_id == school.id, Classroom.deleted_at == deleted_at)
        .values(deleted_at=None)
    )


async def _delete_classroom(session: AsyncSession, classroom: Classroom, now: float) -> None:
    await refuse_in_live_lesson(session, LessonSeat.classroom_id == classroom.id)


async def _restore_classroom(session: AsyncSession, room: Classroom, deleted_at: float) -> None:
    await check_classroom(session, school_id=room.school_id, name=room.name, but=room.id)


SCHOOLS = Deletable("schools", School, lambda row: row.name, _delete_school, _restore_school)
CLASSROOMS = Deletable(
    "classrooms", Classroom, lambda row: row.name, _delete_classroom, _restore_classroom
)
