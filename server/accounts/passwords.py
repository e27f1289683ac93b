"""Passwords: hashed with Argon2id, away from the event loop.

The cost is RFC 9106 §4's second recommendation halved in memory twice (19 MiB, 2 passes, 1 lane:
OWASP's), so that a whole staff room signing in before the bell stays within a small server's
memory; at most two hashes run at once.
"""

from __future__ import annotations

import secrets

import anyio
from anyio import to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_AT_ONCE = 2


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        self._hash = PasswordHash(
            (hasher or Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),)
        )
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        return await to_thread.run_sync(self._hash.hash, password, limiter=self._limiter)

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether `password` belongs to `kept`.

        Without a kept hash (no such user, or none set yet) the answer is no after the same work,
        so that the time tells nobody which user names exist.
        """
        if kept is None:
            if self._decoy is None:
                self._decoy = await self.hash(secrets.token_urlsafe())
            await to_thread.run_sync(
                self._hash.verify, password, self._decoy, limiter=self._limiter
            )
            return False
        return await to_thread.run_sync(self._hash.verify, password, kept, limiter=self._limiter)
