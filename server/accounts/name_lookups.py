"""Who signs in by this name: looked up together, one query for all who wait.

A flood of names must not take every connection of the database from the lessons, nor a query's
worth of the processor each: while one query runs, all that come are gathered for the next.
"""

from __future__ import annotations

import asyncio

from server.accounts.people import find_users
from server.database.engine import Database
from server.database.models import User

MOST_AT_ONCE = 500  # names in a query; SQLite takes some thousands


class NameLookups:
    """Finds users by name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[str, asyncio.Future[User | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def find(self, username: str) -> User | None:
        """The living user of that name. Raises what the database raises."""
        found: asyncio.Future[User | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((username, found))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="name-lookups")
        return await found

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:MOST_AT_ONCE]
                del self._waiting[:MOST_AT_ONCE]
                await self._answer([each for each in batch if not each[1].done()])
        finally:
            self._task = None

    async def _answer(self, batch: list[tuple[str, asyncio.Future[User | None]]]) -> None:
        try:
            async with self._database.read() as session:
                users = await find_users(session, {username for username, _ in batch})
        except Exception as error:  # each of those who wait raises it
            for _, found in batch:
                if not found.done():
                    found.set_exception(error)
            return
        for username, found in batch:
            if not found.done():  # else whoever asked has gone
                found.set_result(users.get(username))
