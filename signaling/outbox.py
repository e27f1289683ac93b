"""What waits to be written to one client: bounded, so that a slow client never holds up others.

The lesson puts messages in and never waits; one writer takes them out. When too much piles up the
rest is dropped, counted, and the connection is closed with `TOO_SLOW`: the client comes back with
its resume key and is told the whole state anew, which is less than what it missed.
"""

from __future__ import annotations

import asyncio
from collections import deque

from signaling.protocol.messages import CloseCode

# A lesson at its busiest says some tens of small messages a second; a client this far behind has
# not read for many seconds and will not catch up.
MAX_MESSAGES = 512
MAX_CHARACTERS = 2_000_000


class Outbox:
    """A queue with one reader. `dropped` counts messages that never went out."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._code: CloseCode | None = None
        self._awake = asyncio.Event()
        self.dropped = 0

    def put(self, message: str) -> None:
        """Add a message; after a close, or past the bound, it is dropped."""
        if self._code is not None:
            self.dropped += 1
            return
        if len(self._waiting) >= MAX_MESSAGES or self._characters + len(message) > MAX_CHARACTERS:
            self.dropped += len(self._waiting) + 1
            self._waiting.clear()
            self._characters = 0
            self.close(CloseCode.TOO_SLOW)
            return
        self._waiting.append(message)
        self._characters += len(message)
        self._awake.set()

    def close(self, code: CloseCode) -> None:
        """Nothing more comes; what waits still goes out. The first code counts."""
        if self._code is None:
            self._code = code
            self._awake.set()

    @property
    def closing(self) -> CloseCode | None:
        """Why it was closed; None while it is open."""
        return self._code

    async def get(self) -> str | CloseCode:
        """The next message, or, when all are out, why the connection is to be closed."""
        while True:
            if self._waiting:
                message = self._waiting.popleft()
                self._characters -= len(message)
                return message
            if self._code is not None:
                return self._code
            self._awake.clear()
            await self._awake.wait()
