"""A lesson service on fakes in virtual time, and the ends of connections to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from signaling.driver import Connection, LessonService
from signaling.ports import SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, Mode
from tests.unit.signaling.fakes import FakeMedia, FakeObserver, FakeStore, FakeTokens
from tests.unit.signaling.sample_lesson import LESSON, START, plan


@dataclass
class World:
    """Everything a service is handed, kept over its restarts."""

    media: FakeMedia = field(default_factory=FakeMedia)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    store: FakeStore = field(default_factory=lambda: FakeStore(plan(Mode.DELIVERY)))
    observer: FakeObserver = field(default_factory=FakeObserver)
    settings: SignalingSettings = field(default_factory=SignalingSettings)
    clock_set_by_s: float = 0.0  # the machine's

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[LessonService]:
        """A service for the time of the block."""
        loop = asyncio.get_running_loop()
        service = LessonService(
            self.media,
            self.tokens,
            self.store,
            [self.observer],
            self.settings,
            lambda: START + loop.time() + self.clock_set_by_s,
        )
        try:
            yield service
        finally:
            await service.close()


@dataclass
class End:
    """A client's end of a connection: takes what comes out of the outbox."""

    service: LessonService
    connection: Connection
    received: list[m.ServerMessage] = field(default_factory=list)

    async def next(self) -> m.ServerMessage | CloseCode:
        """The next message, or why the connection is closed."""
        async with asyncio.timeout(60):
            item = await self.connection.outbox.get()
        if isinstance(item, CloseCode):
            return item
        self.received.append(m.server_message.validate_json(item))
        return self.received[-1]

    async def until(self, kind: str) -> m.ServerMessage:
        """Skip to the next message of this type."""
        while True:
            message = await self.next()
            assert not isinstance(message, CloseCode), f"closed ({message!r}), not {kind}"
            if message.type == kind:
                return message

    async def closed(self) -> CloseCode:
        """Skip to the end."""
        while not isinstance(message := await self.next(), CloseCode):
            pass
        return message

    async def ask(self, message: m.ClientMessage) -> m.ServerMessage:
        """Send a request and take its answer."""
        await self.service.request(self.connection, message.model_copy(update={"request_id": "q"}))
        while True:
            answer = await self.next()
            assert not isinstance(answer, CloseCode), f"closed ({answer!r}), not answered"
            if getattr(answer, "request_id", None) == "q":
                return answer

    async def lost(self) -> None:
        await self.service.disconnected(self.connection)


async def join(
    service: LessonService,
    seat: str,
    *,
    lesson: str = LESSON,
    resume: str | None = None,
    offers_sound: bool = True,
) -> tuple[End, m.Welcome]:
    """A new connection that has joined."""
    token = f"{lesson}/{seat}"
    end = await knock(service, token, resume=resume, offers_sound=offers_sound)
    welcome = await end.until("welcome")
    assert isinstance(welcome, m.Welcome)
    return end, welcome


async def knock(
    service: LessonService, token: str, *, resume: str | None = None, offers_sound: bool = True
) -> End:
    """A new connection that asks to join."""
    end = End(service, service.connect())
    await service.join(
        end.connection, m.Join(token=token, resume=resume, offers_sound=offers_sound)
    )
    return end


async def settle() -> None:
    """Let everything that can happen without time happen."""
    await asyncio.sleep(0.001)
