"""Users: made, changed, found by name, deleted and restored."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.sign_ins import end_all_sign_ins
from server.database.deletion import Deletable
from server.database.in_use import refuse_in_live_lesson
from server.database.models import Lesson, School, User, UserRole
from server.errors import Refusal, Text, field_refused, not_found
from server.ids import new_id
from server.names import look_of


async def administrators(session: AsyncSession) -> int:
    """How many administrators there are; none means the server is not set up."""
    found = await session.scalar(
        select(func.count())
        .select_from(User)
        .where(User.role == UserRole.ADMINISTRATOR, User.deleted_at.is_(None))
    )
    return found or 0


async def find_user(session: AsyncSession, username: str) -> User | None:
    """The living user of that name."""
    return (await find_users(session, {username})).get(username)


async def find_users(session: AsyncSession, usernames: Iterable[str]) -> dict[str, User]:
    """The living users of these names, those that there are."""
    # Twins of letters have been one only since `look_of`: an older row may have the first key.
    keys = {
        name: (unicodedata.normalize("NFKC", name).casefold(), look_of(name))
        for name in usernames
        if "\0" not in name  # PostgreSQL would not hear of it
    }
    found = await session.scalars(
        select(User).where(
            User.username_key.in_({key for both in keys.values() for key in both}),
            User.deleted_at.is_(None),
        )
    )
    users = {user.username_key: user for user in found}
    return {
        name: users[folded] if folded in users else users[look]
        for name, (folded, look) in keys.items()
        if folded in users or look in users
    }


async def get_user(session: AsyncSession, user_id: str) -> User:
    """The living user; refuses with 404."""
    user = await session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise not_found("用户", "user")
    return user


async def add_user(
    session: AsyncSession,
    *,
    username: str,
    display_name: str,
    role: UserRole,
    school_id: str | None,
    password_hash: str | None,
    now: float,
) -> User:
    """A new user; refuses a taken name (409) and an unknown school (422)."""
    await _check_name(session, username, taken_by_other_than=None)
    await _check_school(session, school_id)
    user = User(
        id=new_id(),
        created_at=now,
        username=username,
        username_key=look_of(username),
        display_name=display_name,
        role=role,
        school_id=school_id,
        password_hash=password_hash,
    )
    session.add(user)
    await session.flush()
    return user


async def change_user(
    session: AsyncSession,
    user: User,
    *,
    username: str | None = None,
    display_name: str | None = None,
    role: UserRole | None = None,
    school_id: str | None = None,
    clear_school: bool = False,
    password_hash: str | None = None,
    keep_sign_in: str = "",
) -> None:
    """Change what is given. A new password or role ends the user's other sign-ins."""
    if username is not None:
        await _check_name(session, username, taken_by_other_than=user.id)
        user.username, user.username_key = username, look_of(username)
    if display_name is not None:
        user.display_name = display_name
    if role is not None and role != user.role:
        if user.role is UserRole.ADMINISTRATOR:
            await refuse_last_administrator(session)
        user.role = role
        await end_all_sign_ins(session, user.id, but=keep_sign_in)
    if school_id is not None:
        await _check_school(session, school_id)
        user.school_id = school_id
    elif clear_school:
        user.school_id = None
    if password_hash is not None:
        user.password_hash = password_hash
        await end_all_sign_ins(session, user.id, but=keep_sign_in)
    await session.flush()


async def refuse_last_administrator(session: AsyncSession) -> None:
    """Refuses (409) when one administrator only is left: somebody must hold the keys."""
    if await administrators(session) <= 1:
        raise Refusal(
            409,
            "last-administrator",
            Text(
                "这是唯一的管理员，不能删除或降级。请先添加另一位管理员。",
                "This is the only administrator. Add another one first.",
            ),
        )


async def _check_name(
    session: AsyncSession, username: str, *, taken_by_other_than: str | None
) -> None:
    other = await find_user(session, username)
    if other is not None and other.id != taken_by_other_than:
        raise field_refused(
            "username",
            "这个用户名已被使用，请换一个。",
            "This user name is taken. Choose another one.",
            code="name-taken",
            status=409,
        )


async def _check_school(session: AsyncSession, school_id: str | None) -> None:
    if school_id is None:
        return
    school = await session.get(School, school_id)
    if school is None or school.deleted_at is not None:
        raise field_refused("school_id", "没有这所学校。", "There is no such school.")


# --- deleted and restored -----------------------------------------------------------------------


async def _delete(session: AsyncSession, user: User, now: float) -> None:
    if user.role is UserRole.ADMINISTRATOR:
        await refuse_last_administrator(session)
    await refuse_in_live_lesson(session, Lesson.teacher_id == user.id)
    await end_all_sign_ins(session, user.id)


async def _restore(session: AsyncSession, user: User, deleted_at: float) -> None:
    other = await find_user(session, user.username)
    if other is not None and other.id != user.id:
        raise field_refused(
            "username",
            "这个用户名已被他人使用。",
            "This user name has been taken since.",
            code="name-taken",
            status=409,
        )


USERS = Deletable("users", User, lambda row: row.display_name, _delete, _restore)
