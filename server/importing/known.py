"""What stands in the database, as far as a table can mean it: looked up by how names look.

Read twice: for the plan, and again inside the transaction that carries it out, which goes on only
if nothing has changed between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from hardware_profiles import list_room_profiles
from server.database.models import Classroom, Credential, School, SchoolKind, User, UserRole
from server.names import look_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KnownSchool:
    id: str
    name: str
    kind: SchoolKind


@dataclass(frozen=True, slots=True)
class KnownClassroom:
    id: str
    name: str
    profile: str


@dataclass(frozen=True, slots=True)
class KnownPerson:
    id: str
    username: str
    display_name: str
    role: UserRole
    school_id: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that lives; deleted things do not count."""

    schools: Mapping[str, KnownSchool]
    classrooms: Mapping[tuple[str, str], KnownClassroom]
    """By their school's id and their look."""

    devices: Set[tuple[str, str]]
    """The credentials in force, by their classroom's id and the look of their label."""

    people: Mapping[str, KnownPerson]
    """By the look of the user name."""

    profiles: Mapping[str, str]
    """The names of hardware profiles, by the look of the name and of both titles."""


def profile_names(folders: Iterable[Path]) -> dict[str, str]:
    """`Known.profiles` of these folders and our own."""
    return {
        look_of(word): profile.name
        for profile in list_room_profiles(list(folders))
        for word in (profile.title_zh, profile.title_en, profile.name)
    }


async def read_known(session: AsyncSession, profiles: Mapping[str, str]) -> Known:
    """What there is now."""
    schools = await session.execute(
        select(School.id, School.name, School.kind).where(School.deleted_at.is_(None))
    )
    by_id = {row.id: KnownSchool(row.id, row.name, row.kind) for row in schools}
    rooms = await session.execute(
        select(Classroom.id, Classroom.school_id, Classroom.name, Classroom.profile).where(
            Classroom.deleted_at.is_(None)
        )
    )
    devices = await session.execute(
        select(Credential.classroom_id, Credential.label).where(
            Credential.revoked_at.is_(None), Credential.source.is_(None)
        )
    )
    people = await session.execute(
        select(User.id, User.username, User.display_name, User.role, User.school_id).where(
            User.deleted_at.is_(None)
        )
    )
    return Known(
        schools={look_of(school.name): school for school in by_id.values()},
        classrooms={
            (row.school_id, look_of(row.name)): KnownClassroom(row.id, row.name, row.profile)
            for row in rooms
        },
        devices={(row.classroom_id, look_of(row.label)) for row in devices},
        people={
            look_of(row.username): KnownPerson(
                row.id,
                row.username,
                row.display_name,
                row.role,
                row.school_id if row.school_id in by_id else None,
            )
            for row in people
        },
        profiles=profiles,
    )
