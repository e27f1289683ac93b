"""Schools, classrooms, and the credentials of their devices."""

from __future__ import annotations

from fastapi import Request

from hardware_profiles import ProfileError, list_room_profiles, load_room_profile
from server.api.access import ServicesOf, address_for
from server.api.areas import area
from server.api.fields import Body, Id, Name, View
from server.database.models import Classroom, Credential, School, SchoolKind
from server.door.addresses import Address, Reach
from server.errors import field_refused
from server.lessons.copies import Copied
from server.node.hardware import STANDARD_PROFILE
from server.schools.places import (
    add_classroom,
    add_credential,
    add_school,
    check_classroom,
    check_school_name,
    count_credentials,
    get_classroom,
    get_school,
    list_classrooms,
    list_credentials,
    list_schools,
    revoke_credential,
    room_address,
)
from server.services import DELETION, Services

router = area("places", prefix="/api")


class SchoolView(View):
    id: str
    name: str
    kind: SchoolKind


class SchoolBody(Body):
    name: Name
    kind: SchoolKind


class SchoolChange(Body):
    name: Name | None = None
    kind: SchoolKind | None = None


class ClassroomView(View):
    """`devices` is how many credentials of its devices are in force; `copied`: one of them is in
    use on two machines.
    """

    id: str
    school_id: str
    name: str
    profile: str
    last_seen: float | None
    online: bool
    devices: int
    copied: bool


class ClassroomBody(Body):
    school_id: Id
    name: Name
    profile: Id = STANDARD_PROFILE


class ClassroomChange(Body):
    school_id: Id | None = None
    name: Name | None = None
    profile: Id | None = None


class CredentialView(View):
    """`copied_to`: room agents on several machines use it at once, seen from these networks."""

    id: str
    label: str
    created_at: float
    last_used_at: float | None
    copied_to: list[str]


class CredentialBody(Body):
    label: Name


class HandedOver(View):
    """What is told of a new credential or key this once."""

    secret: str
    address: str
    reach: Reach
    other_origins: list[str]


class NewCredentialView(CredentialView, HandedOver):
    pass


class ProfileView(View):
    name: str
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str


def _school_view(school: School) -> SchoolView:
    return SchoolView(id=school.id, name=school.name, kind=school.kind)


def _classroom_view(
    services: Services, classroom: Classroom, *, online: bool, devices: int
) -> ClassroomView:
    return ClassroomView(
        id=classroom.id,
        school_id=classroom.school_id,
        name=classroom.name,
        profile=classroom.profile,
        last_seen=services.rooms.last_seen(classroom),
        online=online,
        devices=devices,
        copied=services.rooms.copied_in(classroom.id),
    )


def credential_view(credential: Credential, copied: Copied | None = None) -> CredentialView:
    """A device's credential as administrators see it."""
    return CredentialView(
        id=credential.id,
        label=credential.label,
        created_at=credential.created_at,
        last_used_at=credential.last_used_at,
        copied_to=list(copied.addresses) if copied else [],
    )


def handed_over(services: Services, base: Address, secret: str, address: str) -> HandedOver:
    """`address` begins as the one the request came to; others may begin otherwise."""
    others = [one for one in services.addresses.for_others() if one != base.url]
    return HandedOver(secret=secret, address=address, reach=base.reach, other_origins=others)


@router.get("/schools")
async def schools(services: ServicesOf) -> list[SchoolView]:
    """All schools."""
    async with services.database.read() as session:
        return [_school_view(school) for school in await list_schools(session)]


@router.post("/schools", status_code=201)
async def create_school(body: SchoolBody, services: ServicesOf) -> SchoolView:
    """A new school."""
    async with services.database.write() as session:
        school = await add_school(session, name=body.name, kind=body.kind, now=services.clock())
    return _school_view(school)


@router.patch("/schools/{school_id}")
async def update_school(school_id: Id, body: SchoolChange, services: ServicesOf) -> SchoolView:
    """Change a school."""
    async with services.database.write() as session:
        school = await get_school(session, school_id)
        if body.name is not None:
            await check_school_name(session, body.name, but=school.id)
            school.name = body.name
        if body.kind is not None:
            school.kind = body.kind
    return _school_view(school)


@router.delete("/schools/{school_id}", status_code=204)
async def delete_school(school_id: Id, services: ServicesOf) -> None:
    """Delete a school and its classrooms."""
    async with services.database.write() as session:
        await DELETION.delete(session, await get_school(session, school_id), services.clock())


@router.get("/classrooms")
async def classrooms(services: ServicesOf) -> list[ClassroomView]:
    """All classrooms, and which of them are there now."""
    online = await services.rooms.online()
    async with services.database.read() as session:
        rows = await list_classrooms(session)
        devices = await count_credentials(session)
    return [
        _classroom_view(services, row, online=row.id in online, devices=devices.get(row.id, 0))
        for row in rows
    ]


@router.post("/classrooms", status_code=201)
async def create_classroom(body: ClassroomBody, services: ServicesOf) -> ClassroomView:
    """A new classroom."""
    _refuse_unknown_profile(services, body.profile)
    async with services.database.write() as session:
        classroom = await add_classroom(
            session,
            school_id=body.school_id,
            name=body.name,
            profile=body.profile,
            now=services.clock(),
        )
    return _classroom_view(services, classroom, online=False, devices=0)


@router.patch("/classrooms/{classroom_id}")
async def update_classroom(
    classroom_id: Id, body: ClassroomChange, services: ServicesOf
) -> ClassroomView:
    """Change a classroom; its next lessons follow."""
    if body.profile is not None:
        _refuse_unknown_profile(services, body.profile)
    online = await services.rooms.online()
    async with services.database.write() as session:
        classroom = await get_classroom(session, classroom_id)
        school_id = body.school_id or classroom.school_id
        name = body.name or classroom.name
        await check_classroom(session, school_id=school_id, name=name, but=classroom.id)
        classroom.school_id, classroom.name = school_id, name
        classroom.profile = body.profile or classroom.profile
        devices = len(await list_credentials(session, classroom.id))
    return _classroom_view(services, classroom, online=classroom.id in online, devices=devices)


@router.delete("/classrooms/{classroom_id}", status_code=204)
async def delete_classroom(classroom_id: Id, services: ServicesOf) -> None:
    """Delete a classroom; its devices are let in no more."""
    async with services.database.write() as session:
        await DELETION.delete(session, await get_classroom(session, classroom_id), services.clock())


@router.get("/classrooms/{classroom_id}/credentials")
async def credentials(classroom_id: Id, services: ServicesOf) -> list[CredentialView]:
    """The devices of a classroom."""
    async with services.database.read() as session:
        await get_classroom(session, classroom_id)
        rows = await list_credentials(session, classroom_id)
    return [credential_view(row, services.rooms.copied(row.id)) for row in rows]


@router.post("/classrooms/{classroom_id}/credentials", status_code=201)
async def create_credential(
    classroom_id: Id,
    body: CredentialBody,
    request: Request,
    services: ServicesOf,
) -> NewCredentialView:
    """A new device of a classroom. The secret is told this once.

    `address` begins as the one this request came to, where others can open it too; `reach` says
    who can, `other_origins` what else it may begin with.
    """
    async with services.database.write() as session:
        classroom = await get_classroom(session, classroom_id)
        row, secret = await add_credential(
            session, classroom, label=body.label, now=services.clock()
        )
    base = address_for(request, services)
    once = handed_over(services, base, secret, room_address(base.url, secret))
    return NewCredentialView(**dict(credential_view(row)), **dict(once))


@router.delete("/credentials/{credential_id}", status_code=204)
async def delete_credential(credential_id: Id, services: ServicesOf) -> None:
    """Revoke a device's credential; it is out of its lesson at once.

    This cannot be undone: make a new one.
    """
    async with services.database.write() as session:
        await revoke_credential(session, credential_id, services.clock())
    await services.lessons.remove_unwelcome()


@router.get("/profiles")
async def profiles(services: ServicesOf) -> list[ProfileView]:
    """The hardware profiles a classroom can have."""
    return [
        ProfileView(
            name=profile.name,
            title_zh=profile.title_zh,
            title_en=profile.title_en,
            description_zh=profile.description_zh,
            description_en=profile.description_en,
        )
        for profile in list_room_profiles(services.settings.profile_folders)
    ]


def _refuse_unknown_profile(services: Services, name: str) -> None:
    try:
        load_room_profile(name, services.settings.profile_folders)
    except ProfileError as error:
        raise field_refused("profile", error.message_zh, error.message_en) from None
