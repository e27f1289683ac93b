"""A device in a lesson is told which of its layers are needed, whenever the server says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any

from signaling.client.attendance import Attendance
from signaling.protocol.messages import (
    LayersNeeded,
    LessonEnded,
    LessonState,
    Publish,
    Published,
    Role,
    SeatState,
    Source,
    Want,
)


class Sending:
    """Two pictures; notes what is needed of them."""

    def __init__(self) -> None:
        self.failed = asyncio.Event()
        self.told: list[tuple[str, int]] = []
        self.connected = asyncio.Event()

    async def offer(self) -> tuple[str, dict[str, Source]]:
        return "offer", {"0": Source.TEACHER, "1": Source.BOARD}

    async def take_answer(self, sdp: str) -> None:
        self.connected.set()

    def need(self, mid: str, layers: int) -> None:
        self.told.append((mid, layers))

    async def close(self) -> None:
        pass


class Link:
    """The server's end: one word before the answer to the offer, one after it."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    async def ask(self, message: Any) -> Any:
        if isinstance(message, Publish):
            await asyncio.sleep(0)
            return Published(sdp="answer", producers={"0": "p-teacher", "1": "p-board"})
        return None

    async def events(self) -> AsyncIterator[Any]:
        yield LayersNeeded(producer_id="p-board", layers=1)
        await self._sending.connected.wait()
        yield LayersNeeded(producer_id="p-teacher", layers=2)
        yield LayersNeeded(producer_id="of-another-device", layers=1)
        yield LessonEnded(reason="by-lead")


class Room:
    """Sends, and wants nothing."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    def lesson_is(self, lesson: LessonState) -> None: ...
    def seat_is(self, seat: SeatState) -> None: ...
    def seat_is_gone(self, seat_id: str) -> None: ...
    def wants(self, seats: Mapping[str, SeatState]) -> list[Want]:
        return []

    def receiving(self) -> Any:
        raise AssertionError

    async def sending(self) -> Sending:
        return self._sending

    def sends_anew(self) -> bool:
        return False

    def wish(self, now: float) -> None:
        return None


async def test_it_is_told_early_and_late() -> None:
    sending = Sending()
    welcome: Any = SimpleNamespace(seats=[], lesson=None)  # all that is read of it
    own = SeatState(seat_id="s", role=Role.ROOM, name="room")
    link: Any = Link(sending)
    attendance = Attendance(link, welcome, own, Room(sending), say=lambda _: None)
    async with asyncio.timeout(5):
        await attendance.run()
    assert sending.told[0] == ("1", 1)  # it was said before the pictures had their names
    assert ("0", 2) in sending.told and {mid for mid, _ in sending.told} == {"0", "1"}
