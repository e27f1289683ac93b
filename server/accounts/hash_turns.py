"""Whose password is hashed next: few at once, and a crowd of guessers waits for itself.

A hash takes 30 ms of a core and 19 MiB on purpose. Owns the order: those of whom something is known
first; of strangers one at a time, by the rank that `guessing` gives them, so that who has tried a
thousand times stands behind who tries for the first. What waits is bounded: then the last in the
order is told to come back (`TooBusy`).
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from server.errors import Refusal, Text

AT_ONCE = 2
# A lesson's pictures need the other core, whatever the strangers want.
STRANGERS_AT_ONCE = 1
# Of each kind: at 30 ms each the last waits four seconds, and would try again anyhow.
MOST_WAITING = 128

Rank = tuple[int, int]


class TooBusy(Refusal):
    """Too many sign in at this moment."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "sign-in-busy",
            Text(
                "此刻登录的人太多，请稍候几秒再试。",
                "Too many people are signing in right now. Try again in a few seconds.",
            ),
            retry_after_s=3.0,
        )


@dataclass(order=True, slots=True)
class _Waiting:
    rank: Rank
    number: int  # of equals the first to come
    turn: asyncio.Future[None] = field(compare=False)


class HashTurns:
    """Turns of hashing: `async with turns.turn(rank):`, None for who is known."""

    def __init__(self) -> None:
        self._known: deque[asyncio.Future[None]] = deque()
        self._strangers: list[_Waiting] = []  # sorted
        self._running = 0
        self._running_strangers = 0
        self._numbers = 0

    @asynccontextmanager
    async def turn(self, rank: Rank | None) -> AsyncIterator[None]:
        """One hash; raises `TooBusy` when too many stand before this one."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if rank is None:
            self._wait_known(mine)
        else:
            self._wait_stranger(mine, rank)
        self._next()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._ended(rank)  # it was given the turn and is gone
            raise
        try:
            yield
        finally:
            self._ended(rank)

    def _wait_known(self, mine: asyncio.Future[None]) -> None:
        self._known = deque(turn for turn in self._known if not turn.done())
        if len(self._known) >= MOST_WAITING:
            raise TooBusy
        self._known.append(mine)

    def _wait_stranger(self, mine: asyncio.Future[None], rank: Rank) -> None:
        self._strangers = [each for each in self._strangers if not each.turn.done()]
        self._numbers += 1
        insort(self._strangers, _Waiting(rank, self._numbers, mine))
        if len(self._strangers) > MOST_WAITING:
            self._strangers.pop().turn.set_exception(TooBusy())

    def _ended(self, rank: Rank | None) -> None:
        self._running -= 1
        self._running_strangers -= rank is not None
        self._next()

    def _next(self) -> None:
        while self._running < AT_ONCE:
            if self._known:
                turn, stranger = self._known.popleft(), False
            elif self._strangers and self._running_strangers < STRANGERS_AT_ONCE:
                turn, stranger = self._strangers.pop(0).turn, True
            else:
                return
            if not turn.done():  # else whoever waited has gone
                self._running += 1
                self._running_strangers += stranger
                turn.set_result(None)
