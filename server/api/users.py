"""People: `/api/users`."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.people import add_user, change_user, get_user
from server.accounts.weak_passwords import refuse_weak
from server.api.access import ServicesOf, SignedInPerson
from server.api.areas import area
from server.api.fields import Body, Id, Name, Password, Username, View
from server.database.models import School, User, UserRole
from server.services import DELETION

router = area("users", prefix="/api/users")


class UserView(View):
    """`has_password` is false of somebody who has only been given a one-time address so far."""

    id: str
    username: str
    display_name: str
    role: UserRole
    school_id: str | None
    has_password: bool


class UserBody(Body):
    username: Username
    display_name: Name
    role: UserRole
    school_id: Id | None = None
    password: Password


class UserChange(Body):
    username: Username | None = None
    display_name: Name | None = None
    role: UserRole | None = None
    school_id: Id | None = None
    password: Password | None = None


def user_view(user: User) -> UserView:
    """A user as the API tells them."""
    return UserView(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=user.role,
        school_id=user.school_id,
        has_password=user.password_hash is not None,
    )


@router.get("")
async def list_users(services: ServicesOf) -> list[UserView]:
    """All people; a deleted school is not told."""
    async with services.database.read() as session:
        users = await session.scalars(
            select(User).where(User.deleted_at.is_(None)).order_by(User.created_at, User.id)
        )
        living = set(await session.scalars(select(School.id).where(School.deleted_at.is_(None))))
        views = [user_view(user) for user in users]
    return [
        view if view.school_id in living else view.model_copy(update={"school_id": None})
        for view in views
    ]


@router.post("", status_code=201)
async def create_user(body: UserBody, services: ServicesOf) -> UserView:
    """A new person."""
    async with services.database.read() as session:
        school = await school_name(session, body.school_id)
    refuse_weak(body.password, body.username, body.display_name, school)
    password_hash = await services.passwords.hash(body.password)
    async with services.database.write() as session:
        user = await add_user(
            session,
            username=body.username,
            display_name=body.display_name,
            role=body.role,
            school_id=body.school_id,
            password_hash=password_hash,
            now=services.clock(),
        )
    return user_view(user)


@router.patch("/{user_id}")
async def update_user(
    user_id: Id, body: UserChange, admin: SignedInPerson, services: ServicesOf
) -> UserView:
    """Change a person; a new password signs them out everywhere else."""
    password_hash = None
    if body.password is not None:
        async with services.database.read() as session:
            known = await get_user(session, user_id)
            school = await school_name(session, body.school_id or known.school_id)
        username = body.username or known.username
        refuse_weak(body.password, username, body.display_name or known.display_name, school)
        password_hash = await services.passwords.hash(body.password)
    async with services.database.write() as session:
        user = await get_user(session, user_id)
        await change_user(
            session,
            user,
            username=body.username,
            display_name=body.display_name,
            role=body.role,
            school_id=body.school_id,
            clear_school="school_id" in body.model_fields_set and body.school_id is None,
            password_hash=password_hash,
            keep_sign_in=admin.token_hash,
        )
    await services.lessons.remove_unwelcome()
    return user_view(user)


@router.delete("/{user_id}", status_code=204)
async def delete_user(user_id: Id, services: ServicesOf) -> None:
    """Delete a person, who is signed out, and out of every lesson, at once."""
    async with services.database.write() as session:
        await DELETION.delete(session, await get_user(session, user_id), services.clock())
    await services.lessons.remove_unwelcome()


async def school_name(session: AsyncSession, school_id: str | None) -> str | None:
    """The name of a person's school, if they have one."""
    school = await session.get(School, school_id) if school_id else None
    return None if school is None else school.name
