"""Passwords: hashed with Argon2id, away from the event loop, a bounded number at a time.

The cost is RFC 9106 §4's second recommendation halved in memory twice (19 MiB, 2 passes, 1 lane:
OWASP's), so that a whole staff room signing in before the bell stays within a small server's
memory. Whose turn it is, is `hash_turns`' to say.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from server.accounts.hash_turns import AT_ONCE, HashTurns

T = TypeVar("T")


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        self._hash = PasswordHash(
            (hasher or Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),)
        )
        self._turns = HashTurns()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep. Raises `TooBusy`."""
        async with self._turns.turn(None):
            return await self._away(lambda: self._hash.hash(password))

    async def verify(
        self, password: str, kept: str | None, *, rank: tuple[int, int] | None = None
    ) -> bool:
        """Whether `password` belongs to `kept`. Raises `TooBusy`.

        Without a kept hash (no such user, or none set yet) the answer is no after the same work,
        so that the time tells nobody which user names exist. `rank` is a stranger's place among
        strangers (`hash_turns`).
        """
        async with self._turns.turn(rank):
            if self._decoy is None:
                made = await self._away(lambda: self._hash.hash(secrets.token_urlsafe()))
                self._decoy = self._decoy or made
            decoy = self._decoy
            right = await self._away(lambda: self._hash.verify(password, kept or decoy))
        return right and kept is not None

    async def _away(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)
