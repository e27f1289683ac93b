"""What the server asks of lessons in progress, and signaling's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from signaling.driver import LessonService
from signaling.lesson import Bar, SeatedDevice
from signaling.protocol.messages import EndReason, LessonState, RemovalCode, SeatState


class LiveLessons(Protocol):
    """The lessons open in this process: those that somebody has joined since it started."""

    async def end(self, lesson_id: str, reason: EndReason) -> None:
        """End a lesson for all; returns when everybody has been told and it is closed."""
        ...

    def present(self) -> Mapping[str, Set[str]]:
        """Every open lesson, and its seats that have a device connected now."""
        ...

    def states(self) -> Mapping[str, LessonState]:
        """Every open lesson, as everybody in it sees it."""
        ...

    def seats(self) -> Mapping[str, Sequence[SeatState]]:
        """Every open lesson and its seats, as everybody in it sees them."""
        ...

    def led(self) -> Set[str]:
        """The open lessons that somebody leads in person now."""
        ...

    def devices(self, lesson_id: str) -> Sequence[SeatedDevice]:
        """An open lesson's devices and the seats they are at; none of a lesson not open."""
        ...

    def seated_devices(self) -> Mapping[str, Sequence[SeatedDevice]]:
        """Every open lesson and its devices."""
        ...

    def bars_of(self, lesson_id: str) -> Mapping[str, Bar] | None:
        """Who was put out of an open lesson and is let in no more; None of a lesson not open."""
        ...

    async def remove(
        self, lesson_id: str, device_ids: Sequence[str], code: RemovalCode, *, bars: bool
    ) -> None:
        """Put devices out of an open lesson, with `bars` their bearers for good."""
        ...

    async def readmit(self, lesson_id: str, seat_id: str) -> None:
        """Let those in again who were put out of a seat of a live lesson."""
        ...

    async def rename_lead(self, lesson_id: str, name: str) -> None:
        """Another person leads an open lesson from now on."""
        ...

    async def let_go(self, lesson_id: str) -> None:
        """An open lesson goes on elsewhere: close it here, its devices come back there."""
        ...


class SignalingLessons:
    """`LiveLessons` by signaling's service."""

    def __init__(self, service: LessonService) -> None:
        self._service = service

    async def end(self, lesson_id: str, reason: EndReason) -> None:
        """End a lesson for all. Raises `signaling.errors.Refusal` if it cannot be opened."""
        await self._service.end_lesson(lesson_id, reason)

    def present(self) -> Mapping[str, Set[str]]:
        """Every open lesson and its seats that are there."""
        return {
            lesson_id: {seat.seat_id for seat in seats if seat.present}
            for lesson_id, seats in self.seats().items()
        }

    def states(self) -> Mapping[str, LessonState]:
        """Every open lesson."""
        return {lesson_id: lesson for lesson_id, (lesson, _seats) in self._service.live().items()}

    def led(self) -> Set[str]:
        """The open lessons that somebody leads in person now."""
        return {lesson_id for lesson_id, state in self.states().items() if state.led}

    def seats(self) -> Mapping[str, Sequence[SeatState]]:
        """Every open lesson and its seats."""
        return {lesson_id: seats for lesson_id, (_lesson, seats) in self._service.live().items()}

    def devices(self, lesson_id: str) -> Sequence[SeatedDevice]:
        """An open lesson's devices and the seats they are at."""
        return self._service.devices(lesson_id)

    def seated_devices(self) -> Mapping[str, Sequence[SeatedDevice]]:
        """Every open lesson and its devices."""
        return self._service.seated_devices()

    def bars_of(self, lesson_id: str) -> Mapping[str, Bar] | None:
        """Who was put out of an open lesson and is let in no more; None of a lesson not open."""
        return self._service.bars_of(lesson_id)

    async def remove(
        self, lesson_id: str, device_ids: Sequence[str], code: RemovalCode, *, bars: bool
    ) -> None:
        """Put devices out of an open lesson."""
        await self._service.remove(lesson_id, device_ids, code, bars=bars)

    async def readmit(self, lesson_id: str, seat_id: str) -> None:
        """Let those in again who were put out of a seat. Raises `signaling.errors.Refusal`."""
        await self._service.readmit(lesson_id, seat_id)

    async def rename_lead(self, lesson_id: str, name: str) -> None:
        """Another person leads an open lesson from now on."""
        await self._service.rename_lead(lesson_id, name)

    async def let_go(self, lesson_id: str) -> None:
        """An open lesson goes on elsewhere."""
        await self._service.let_go(lesson_id)
