"""Signing in by name and password: counted, looked up, hashed in turn, answered alike.

Owns the order of these steps and the words of their refusals. The rules are `guessing`'s, the
turns `hash_turns`'. One-time keys and cookies do not come by here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from server.accounts.guessing import Admission, SignInGuard, Try
from server.accounts.hash_turns import TooBusy
from server.accounts.name_lookups import NameLookups
from server.accounts.passwords import Passwords
from server.accounts.throttle import Throttle
from server.clock import Clock
from server.database.engine import Database
from server.database.models import User
from server.errors import Refusal, Text, field_refused
from server.names import look_of

Sleep = Callable[[float], Awaitable[None]]

# Answers held back at once: a few MB. Whoever makes more is told to wait instead.
MOST_SLOW_ANSWERS = 1000


class PasswordDoor:
    """Where passwords are tried."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        steady: Clock,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._names = NameLookups(database)
        self._passwords = passwords
        self._steady = steady
        self._sleep = sleep
        self._guard = SignInGuard()
        self._own = Throttle(free=5, first_wait_s=5, longest_wait_s=900)
        self._slow_answers = 0

    async def sign_in(
        self, username: str, password: str, *, address: str, browser: str | None
    ) -> User:
        """Who signs in so. `browser` is this browser's name if it has signed in so before.

        Refuses what is wrong (401), tried too often (429), and what comes in a crowd (503).
        """
        came_at = asyncio.get_running_loop().time()
        attempt = Try(address, look_of(username), browser)
        admission = self._guard.begin(attempt, self._steady())
        if admission.wait_s:
            raise too_many_attempts(admission.wait_s)
        user = await self._names.find(username)
        if user is None:
            self._guard.of_nobody(attempt, admission.at)
        else:
            self._guard.of_somebody(attempt)
        slow_s = self._guard.slow_s(address, admission.at)
        if (user is not None or not slow_s) and await self._fits(admission, user, password):
            assert user is not None  # without a user no password is right
            self._guard.succeeded(admission)
            return user
        if slow_s:
            await self._hold_back(came_at, slow_s)
        raise Refusal(
            401,
            "sign-in-refused",
            Text(
                "用户名或密码不对。忘记密码请联系管理员。",
                "The user name or the password is wrong. If you forgot it, ask the administrator.",
            ),
        )

    async def confirm(self, user: User, password: str, *, sign_in: str) -> None:
        """Whoever is signed in (by the sign-in of this name) proves to be the person.

        Refuses what is wrong (422) and tried too often (429). Strangers' guesses do not count.
        """
        now = self._steady()
        if wait_s := self._own.wait_s(sign_in, now):
            raise too_many_attempts(wait_s)
        self._own.count(sign_in, now)
        if not await self._passwords.verify(password, user.password_hash):
            raise field_refused(
                "current_password", "现在的密码不对。", "The current password is wrong."
            )
        self._own.forgive(sign_in)

    async def _fits(self, admission: Admission, user: User | None, password: str) -> bool:
        kept = user.password_hash if user else None
        try:
            return await self._passwords.verify(password, kept, rank=admission.rank)
        except TooBusy:
            self._guard.undone(admission)
            raise

    async def _hold_back(self, came_at: float, slow_s: float) -> None:
        """Until `slow_s`, or some times that, since the try came: hashed or not, all take it."""
        if self._slow_answers >= MOST_SLOW_ANSWERS:
            raise too_many_attempts(slow_s)
        self._slow_answers += 1
        try:
            took_s = asyncio.get_running_loop().time() - came_at
            await self._sleep(slow_s - took_s % slow_s)
        finally:
            self._slow_answers -= 1


def too_many_attempts(wait_s: float) -> Refusal:
    """Whoever tries must wait."""
    return Refusal(
        429,
        "too-many-attempts",
        Text(
            f"尝试次数过多，请在 {wait_s:.0f} 秒后再试。",
            f"Too many attempts. Try again in {wait_s:.0f} seconds.",
        ),
        retry_after_s=wait_s,
    )
