"""Signed-in browsers: an opaque random cookie each, kept as its hash, ended by time or by hand."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.database.engine import Database
from server.database.models import SignIn, User
from server.database.refusing import DatabaseRefused
from server.ids import new_secret, secret_hash

COOKIE = "tongke_session"
_SEEN_EVERY_S = 300  # a page that polls must not write a row at each request
_SEEN_WAIT_S = 0.3
_PER_USER = 20  # a person with more browsers than this loses the oldest


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a cookie belongs to, and the cookie's hash."""

    user: User
    token_hash: str


class SignIns:
    """Makes, finds and ends sign-ins."""

    def __init__(self, database: Database, *, idle_s: float, longest_s: float) -> None:
        self._database = database
        self._idle_s = idle_s
        self.longest_s = longest_s

    async def begin(self, session: AsyncSession, user_id: str, now: float) -> str:
        """A new sign-in; returns the cookie's value."""
        token = new_secret("tks")
        session.add(
            SignIn(token_hash=secret_hash(token), user_id=user_id, created_at=now, seen_at=now)
        )
        await session.flush()
        kept = (
            select(SignIn.token_hash)
            .where(SignIn.user_id == user_id)
            .order_by(SignIn.seen_at.desc())
            .limit(_PER_USER)
        )
        await session.execute(
            delete(SignIn).where(SignIn.user_id == user_id, SignIn.token_hash.not_in(kept))
        )
        return token

    async def find(self, token: str, now: float) -> SignedIn | None:
        """Who this cookie belongs to, None if nobody (any more)."""
        key = secret_hash(token)
        async with self._database.read() as session:
            found = (
                await session.execute(
                    select(SignIn, User)
                    .join(User, User.id == SignIn.user_id)
                    .where(SignIn.token_hash == key, User.deleted_at.is_(None))
                )
            ).first()
        if found is None:
            return None
        sign_in, user = found
        if now - sign_in.seen_at > self._idle_s or now - sign_in.created_at > self.longest_s:
            return None
        if now - sign_in.seen_at > _SEEN_EVERY_S:
            # Who only looks must not wait for a database that cannot be written.
            with contextlib.suppress(DatabaseRefused):
                async with self._database.write(wait_s=_SEEN_WAIT_S) as session:
                    await session.execute(
                        update(SignIn).where(SignIn.token_hash == key).values(seen_at=now)
                    )
        return SignedIn(user, key)

    async def end(self, token: str) -> None:
        """This browser is signed out."""
        async with self._database.write() as session:
            await session.execute(delete(SignIn).where(SignIn.token_hash == secret_hash(token)))

    async def sweep(self, now: float) -> None:
        """Forget the sign-ins whose time is over."""
        async with self._database.write() as session:
            await session.execute(
                delete(SignIn).where(
                    or_(
                        SignIn.seen_at < now - self._idle_s,
                        SignIn.created_at < now - self.longest_s,
                    )
                )
            )


async def end_all_sign_ins(session: AsyncSession, user_id: str, *, but: str = "") -> None:
    """Sign a user out everywhere, except at the browser whose cookie hash is `but`."""
    await session.execute(delete(SignIn).where(SignIn.user_id == user_id, SignIn.token_hash != but))
