"""What the server asks of lessons in progress, and signaling's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Literal, Protocol

from signaling.driver import LessonService
from signaling.lesson import DevicePlace
from signaling.protocol.messages import SeatState

EndReason = Literal["by-lead", "by-server", "timed-out"]


class LiveLessons(Protocol):
    """The lessons open in this process: those that somebody has joined since it started."""

    async def end(self, lesson_id: str, reason: EndReason) -> None:
        """End a lesson for all; returns when everybody has been told and it is closed."""
        ...

    def present(self) -> Mapping[str, Set[str]]:
        """Every open lesson, and its seats that have a device connected now."""
        ...

    def seats(self) -> Mapping[str, Sequence[SeatState]]:
        """Every open lesson and its seats, as everybody in it sees them."""
        ...

    def devices(self, lesson_id: str) -> Sequence[DevicePlace]:
        """An open lesson's devices and the seats they are at; none of a lesson not open."""
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

    def seats(self) -> Mapping[str, Sequence[SeatState]]:
        """Every open lesson and its seats."""
        return {lesson_id: seats for lesson_id, (_lesson, seats) in self._service.live().items()}

    def devices(self, lesson_id: str) -> Sequence[DevicePlace]:
        """An open lesson's devices and the seats they are at."""
        return self._service.devices(lesson_id)
