"""Password hashes: Argon2id, checked without telling who exists."""

from __future__ import annotations

import asyncio

from pwdlib.hashers.argon2 import Argon2Hasher

from server.accounts.passwords import Passwords

CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_password_is_kept_as_argon2id() -> None:
    kept = await Passwords().hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_only_the_right_password_fits() -> None:
    passwords = Passwords(CHEAP)
    kept = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", kept)
    assert not await passwords.verify("correct hors", kept)
    assert not await passwords.verify("correct horse", None)
    assert await passwords.hash("correct horse") != kept  # each has a salt of its own


async def test_the_event_loop_goes_on_while_hashing() -> None:
    passwords = Passwords(Argon2Hasher(time_cost=3, memory_cost=19_456, parallelism=1))
    hashing = asyncio.create_task(passwords.hash("correct horse"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 3
    assert await hashing
