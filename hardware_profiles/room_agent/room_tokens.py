"""A room's tokens, and beside them its timetable: asked for every minute, in a lesson too.

Owns when the server is asked and what is kept of its answer; how a token is got is the protocol
client's (`signaling.client.token_providers`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from hardware_profiles.room_agent.timetable import PlannedLesson, Timetable
from hardware_profiles.room_agent.timetable_file import TimetableFile, steady
from signaling.client.errors import SeatRefused, ServerLost
from signaling.client.token_providers import RoomTokens

# A lesson planned just now is met by the question for a token; this one is for the days to come.
_ASK_EVERY_S = 60.0
_ASK_AGAIN_S = 5.0  # a server that is started again is back within seconds
# So that after a power cut the server's time is known not to be earlier than this.
_KEEP_EVERY_S = 900.0
# When a lesson is near the room asks so often.
_NEAR_WAIT_S = 1.0


class TimetabledTokens:
    """A `TokenProvider` that knows what comes. `keep` it up to date in a task of its own."""

    def __init__(self, room: RoomTokens, file: TimetableFile) -> None:
        self._room = room
        self._file = file
        self._kept_at = float("-inf")
        self.timetable: Timetable = file.read()
        self.copied: tuple[str, str] | None = None  # words, Chinese and English

    async def token(self) -> str | None:
        return await self._room.token()

    @property
    def wait_s(self) -> float:
        return min(self._room.wait_s, _NEAR_WAIT_S) if self.near else self._room.wait_s

    @property
    def stays(self) -> bool:
        return True

    @property
    def near(self) -> bool:
        """Whether a lesson is about to begin, whether the server is there or not."""
        return self.timetable.near(wall=time.time(), steady=steady())

    @property
    def next(self) -> PlannedLesson | None:
        """The lesson that comes next."""
        return self.timetable.next(wall=time.time(), steady=steady())

    @property
    def server_time(self) -> float:
        """As far as is known."""
        return self.timetable.server_time(wall=time.time(), steady=steady())

    async def keep(self) -> None:
        """For good."""
        while True:
            try:
                answer = await asyncio.to_thread(self._room.ask, "/api/room/timetable")
            except (ServerLost, SeatRefused):
                await asyncio.sleep(_ASK_AGAIN_S)
                continue
            self.take(answer, steady())
            await asyncio.sleep(_ASK_EVERY_S)

    def take(self, answer: Mapping[str, Any], now: float) -> None:
        """The server's answer, at `now` by the steady clock."""
        copied = answer.get("copied")
        self.copied = None
        if isinstance(copied, Mapping):
            self.copied = (str(copied.get("message_zh", "")), str(copied.get("message_en", "")))
        changed = self.timetable.learn(answer, steady=now)
        known = self.timetable.known
        if known is not None and (changed or now - self._kept_at > _KEEP_EVERY_S):
            self._kept_at = now
            self._file.write(known)
