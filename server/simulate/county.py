"""A county of its own on a running server: schools, classrooms, lessons for simulated seats.

Owns making it (`Office` asks as an administrator's browser does) and taking it away again, whatever
came between: what was made is noted before anything else is asked for, and removed in reverse.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from server.errors import Text
from server.simulate.errors import ServerAway, ServerRefused
from server.simulate.office import Office, said
from signaling.client.errors import ServerLost
from signaling.client.token_providers import RoomTokens, TokenProvider

# Whoever finds it in a list knows what it is; the last part tells two runs apart.
MARK = "模拟 Simulation"
# One answer may be late; to wait for each of hundreds that do not come would take hours.
_MOST_UNANSWERED = 2
_MODE = "blended"  # every room sends and hears: the dearest kind of lesson


class Stopped(Exception):
    """It was to stop while the county was being made."""


@dataclass(slots=True)
class LeadTokens:
    """A lead's join token, asked for anew at each joining: one of its own runs out in minutes."""

    office: Office
    lesson_id: str
    wait_s: float = 1.0
    stays: bool = False

    async def token(self) -> str | None:
        try:
            answer = await self.office.ask(
                "POST", f"/api/lessons/{self.lesson_id}/token", {"role": "lead"}
            )
        except ServerRefused as refused:
            raise ServerLost(refused.text.en, refused.text.zh) from None
        return said(answer, "token")


@dataclass(slots=True)
class LoadCounty:
    """`make` it, seat somebody by `token_providers`, `remove` it: always, and without raising."""

    office: Office
    lessons: int
    rooms: int  # in each lesson
    stop: asyncio.Event
    name: str = field(default_factory=lambda: f"{MARK} {secrets.token_hex(3)}")
    token_providers: list[TokenProvider] = field(default_factory=list)
    _made: list[str] = field(default_factory=list)
    _live: list[str] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        """Whether anything of it has been made and not been removed."""
        return bool(self._made)

    async def make(self) -> None:
        """Everything, up to the live lessons. Raises `ServerRefused`, or `Stopped`."""
        lead = await self._add("schools", name=f"{self.name} A", kind="urban")
        partner = await self._add("schools", name=f"{self.name} B", kind="rural")
        community = await self._add(
            "communities", name=self.name, lead_school_id=lead, partner_school_ids=[partner]
        )
        for number in range(1, self.lessons + 1):
            await self._lesson(number, lead, partner, community)

    async def remove(self) -> list[Text]:
        """End the lessons and delete all that was made; gives what could not be, and why."""
        left: list[Text] = []
        asked = [
            *(("POST", f"/api/lessons/{lesson_id}/end") for lesson_id in self._live),
            *(("DELETE", address) for address in reversed(self._made)),
        ]
        unanswered = 0
        for method, address in asked:
            name = address.removeprefix("/api/")
            if unanswered == _MOST_UNANSWERED:
                left.append(
                    Text(f"{name}：没有再问服务器", f"{name}: the server was not asked any more")
                )
                continue
            try:
                await self.office.ask(method, address)
            except ServerRefused as refused:
                left.append(Text(f"{name}：{refused.text.zh}", f"{name}: {refused.text.en}"))
                unanswered = unanswered + 1 if isinstance(refused, ServerAway) else 0
            else:
                unanswered = 0
        self._live.clear()
        self._made.clear()
        return left

    async def _lesson(self, number: int, lead: str, partner: str, community: str) -> None:
        lead_room = await self._add(
            "classrooms", school_id=lead, name=f"{number}", profile="teacher-laptop"
        )
        rooms, credentials = [], []
        for room in range(1, self.rooms + 1):
            classroom = await self._add(
                "classrooms", school_id=partner, name=f"{number}.{room}", profile="standard"
            )
            rooms.append(classroom)
            credential = await self._ask(
                f"/api/classrooms/{classroom}/credentials", label="tongke simulate"
            )
            credentials.append(said(credential, "secret"))
        lesson = await self._ask(
            "/api/lessons",
            title=f"{self.name} {number}",
            subject="",
            grade="",
            mode=_MODE,
            community_id=community,
            lead_classroom_id=lead_room,
            room_classroom_ids=rooms,
            starts_at=None,
            record=False,
        )
        lesson_id, state = said(lesson, "id"), said(lesson, "state")
        self._made.append(f"/api/lessons/{lesson_id}")
        self._live.append(lesson_id)
        if state != "live":
            waits: dict[str, Any] = lesson.get("waits") or {}
            why = waits.get("message_en") or f"it is {state}"
            why_zh = waits.get("message_zh") or f"状态是 {state}"
            raise ServerRefused(
                f"lesson {number} of {self.lessons} does not begin: {why}",
                f"第 {number} 节课（共 {self.lessons} 节）没有开始：{why_zh}",
            )
        self.token_providers.append(LeadTokens(self.office, lesson_id))
        server = self.office.server
        self.token_providers += [RoomTokens(server, credential) for credential in credentials]

    async def _add(self, plural: str, /, **body: Any) -> str:
        answer = await self._ask(f"/api/{plural}", **body)
        made = said(answer, "id")
        self._made.append(f"/api/{plural}/{made}")
        return made

    async def _ask(self, path: str, **body: Any) -> dict[str, Any]:
        if self.stop.is_set():
            raise Stopped
        return await self.office.ask("POST", path, body)
