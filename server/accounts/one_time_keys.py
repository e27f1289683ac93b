"""Keys that work once: the first administrator's, a forgotten password's, the demonstration's.

A key stands in the address's fragment (`…/setup#key=…`), which browsers do not send and servers
do not log. Only its hash is kept; it dies with its use or its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.models import OneTimeKey
from server.errors import Refusal, Text
from server.ids import new_secret, secret_hash

_PREFIX = "tkk"


class Purpose(StrEnum):
    """What a key opens."""

    SETUP = "setup"
    SIGN_IN = "sign_in"


class WrongKey(Refusal):
    """The key is unknown, used, too old, or for something else; which of these stays untold."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "key-refused",
            Text(
                "这个一次性地址无效、已用过或已过期。请重新启动服务器或运行 "
                "tongke admin reset-key 获取新的地址。",
                "This one-time address is wrong, used or too old. Restart the server, or run "
                "tongke admin reset-key, to get a new one.",
            ),
        )


async def mint_key(
    session: AsyncSession,
    purpose: Purpose,
    *,
    now: float,
    life_s: float,
    user_id: str | None = None,
) -> str:
    """A new key. An older unused one for the same purpose and user is void from now on."""
    await session.execute(
        delete(OneTimeKey).where(OneTimeKey.purpose == purpose, OneTimeKey.user_id == user_id)
    )
    key = new_secret(_PREFIX)
    session.add(
        OneTimeKey(
            key_hash=secret_hash(key),
            purpose=purpose,
            user_id=user_id,
            created_at=now,
            expires_at=now + life_s,
        )
    )
    return key


async def mint_sign_in_keys(
    session: AsyncSession, user_ids: Sequence[str], *, now: float, life_s: float
) -> dict[str, str]:
    """A new key for each of these users, who have none yet, by their ids."""
    keys = {user_id: new_secret(_PREFIX) for user_id in user_ids}
    if keys:
        await session.execute(
            insert(OneTimeKey),
            [
                {
                    "key_hash": secret_hash(key),
                    "purpose": Purpose.SIGN_IN,
                    "user_id": user_id,
                    "created_at": now,
                    "expires_at": now + life_s,
                }
                for user_id, key in keys.items()
            ],
        )
    return keys


async def check_key(session: AsyncSession, key: str, purpose: Purpose, *, now: float) -> OneTimeKey:
    """The key's row, if it still opens this; raises `WrongKey`. The key stays unused."""
    row = await session.get(OneTimeKey, secret_hash(key))
    if row is None or row.purpose != purpose or row.expires_at <= now:
        raise WrongKey
    return row


async def use_key(session: AsyncSession, key: str, purpose: Purpose, *, now: float) -> str | None:
    """Use up a key; returns the user it was made for (None for `SETUP`).

    Raises `WrongKey`.
    """
    row = await check_key(session, key, purpose, now=now)
    await session.delete(row)
    await session.flush()
    return row.user_id


async def sweep_keys(session: AsyncSession, now: float) -> None:
    """Forget the keys whose time is over."""
    await session.execute(delete(OneTimeKey).where(OneTimeKey.expires_at <= now))
