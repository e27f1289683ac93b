"""Lessons in progress as a test says they are, and a lesson of the timetable to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from signaling.errors import LessonRefusal
from signaling.lesson import Bar, SeatedDevice
from signaling.protocol.messages import EndReason, LessonState, RemovalCode, SeatState
from tests.unit.server.world import World, lesson_body, post

Ids = dict[str, str]


class Present:
    """Lessons in progress, as a test says."""

    def __init__(self, world: World) -> None:
        self.there: dict[str, Set[str]] = {}
        self.ended: list[tuple[str, str]] = []
        self.leads: list[tuple[str, str]] = []
        self.let_go_of: list[str] = []
        self.broken = False
        self._world = world

    async def end(self, lesson_id: str, reason: EndReason) -> None:
        self.ended.append((lesson_id, reason))
        if self.broken:
            raise LessonRefusal("media-full")
        self.there.pop(lesson_id, None)
        desk = self._world.services.lessons
        await desk.ended(lesson_id, self._world.clock(), reason)

    def present(self) -> Mapping[str, Set[str]]:
        return self.there

    def led(self) -> Set[str]:
        return {lesson_id for lesson_id, seats in self.there.items() if "lead" in seats}

    def states(self) -> Mapping[str, LessonState]:
        return {}

    def seats(self) -> Mapping[str, Sequence[SeatState]]:
        return {}

    def seated_devices(self) -> Mapping[str, Sequence[SeatedDevice]]:
        return {}

    def devices(self, lesson_id: str) -> Sequence[SeatedDevice]:
        return ()

    def bars_of(self, lesson_id: str) -> Mapping[str, Bar] | None:
        return None

    async def remove(
        self, lesson_id: str, device_ids: Sequence[str], code: RemovalCode, *, bars: bool
    ) -> None:
        raise AssertionError("nobody is put out here")

    async def readmit(self, lesson_id: str, seat_id: str) -> None:
        raise AssertionError("nobody is let in again here")

    async def rename_lead(self, lesson_id: str, name: str) -> None:
        self.leads.append((lesson_id, name))

    async def let_go(self, lesson_id: str) -> None:
        self.there.pop(lesson_id, None)
        self.let_go_of.append(lesson_id)


async def plan(world: World, ids: Ids, in_s: float | None, **changes: Any) -> str:
    li = await world.signed_in("li")
    starts_at = None if in_s is None else world.clock() + in_s
    body = lesson_body(ids, starts_at=starts_at, **changes)
    return str((await post(li, "/api/lessons", body))["id"])
