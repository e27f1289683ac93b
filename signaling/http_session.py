"""One WHIP or WHEP session: a device of a lesson whose requests come over HTTP.

Owns the way from requests to the lesson and back: the session joins like any device, its answers
are taken from its outbox, and what else the lesson says to it is read and dropped. What HTTP calls
are made of it is in `whip.py`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from mixer.model import ProducerInfo
from signaling.driver import Connection, LessonService
from signaling.errors import LessonRefusal
from signaling.lesson.sdp import offered_m_lines
from signaling.protocol.messages import (
    CloseCode,
    DeviceKind,
    Join,
    Leave,
    LessonSource,
    Publish,
    Published,
    Refused,
    ServerMessage,
    Source,
    Welcome,
    server_message,
)

# As long as a runner may wait for the media core, and a little for the row before it.
ANSWER_TIMEOUT_S = 15.0


@dataclass(slots=True)
class HttpSession:
    """A device that came by HTTP. `etag` names its present ICE session (RFC 9725 §4.3)."""

    service: LessonService
    connection: Connection
    session_id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    etag: str = field(default_factory=lambda: secrets.token_hex(8))
    offer: str = ""
    answer: str = ""
    sources: dict[str, Source] = field(default_factory=dict)
    seat_id: str | None = None
    source: Source | LessonSource | None = None
    player: bool = False
    drain: asyncio.Task[None] | None = None
    _replies: dict[str, asyncio.Future[ServerMessage]] = field(default_factory=dict)

    async def join(self, token: str, *, player: bool, offers_sound: bool) -> Welcome:
        """Join the token's lesson; raises `LessonRefusal`."""
        self.player = player
        kind = DeviceKind.PLAYER if player else DeviceKind.ENCODER
        request = Join(token=token, device=kind, request_id="join")
        answer = self._expect("join")
        await self.service.join(self.connection, request, over_http=True, offers_sound=offers_sound)
        welcome = await self._take(answer)
        assert isinstance(welcome, Welcome)  # the only other answer is a refusal
        return welcome

    async def negotiate(self, offer: str) -> str:
        """Hand the offer in, take the answer; also for an ICE restart. Raises `LessonRefusal`."""
        request_id = f"offer-{secrets.token_hex(4)}"
        answer = self._expect(request_id)
        if self.player:
            await self.service.play(
                self.connection,
                offer,
                seat_id=self.seat_id,
                source=self.source,
                request_id=request_id,
            )
        else:
            try:
                publish = Publish(sdp=offer, sources=self.sources, request_id=request_id)
            except ValidationError:  # a mid no browser would write
                raise LessonRefusal("bad-sdp") from None
            await self.service.request(self.connection, publish)
        published = await self._take(answer)
        assert isinstance(published, Published)  # as above
        self.offer, self.answer = offer, published.sdp
        self.etag = secrets.token_hex(8)
        return published.sdp

    async def feed(self, producer: ProducerInfo) -> None:
        """The server feeds the media core with this source for it; raises `LessonRefusal`."""
        request_id = f"feed-{secrets.token_hex(4)}"
        answer = self._expect(request_id)
        await self.service.feed_source(self.connection, producer, request_id=request_id)
        await self._take(answer)

    async def leave(self) -> None:
        """The device goes for good."""
        await self.service.request(self.connection, Leave())

    def start(self, on_closed: Callable[[HttpSession], None]) -> None:
        """Begin to read what the lesson says; `on_closed` when it has closed the session."""
        self.drain = asyncio.create_task(
            self._drain(on_closed), name=f"http-session-{self.connection.number}"
        )

    async def stop(self) -> None:
        """Stop reading: the server ends, or the session never came to be."""
        self.connection.outbox.close(CloseCode.LEFT)
        if self.drain is not None:
            await asyncio.gather(self.drain, return_exceptions=True)

    # --- answers ------------------------------------------------------------------------------

    def _expect(self, request_id: str) -> asyncio.Future[ServerMessage]:
        answer: asyncio.Future[ServerMessage] = asyncio.get_running_loop().create_future()
        self._replies[request_id] = answer
        return answer

    async def _take(self, answer: asyncio.Future[ServerMessage]) -> ServerMessage:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                message = await answer
        except TimeoutError:
            raise LessonRefusal("media-failed") from None
        if isinstance(message, Refused):
            raise LessonRefusal(message.code)
        return message

    async def _drain(self, on_closed: Callable[[HttpSession], None]) -> None:
        try:
            while not isinstance(item := await self.connection.outbox.get(), CloseCode):
                message = server_message.validate_json(item)
                request_id = getattr(message, "request_id", None)
                waiting = self._replies.pop(request_id, None) if request_id else None
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        finally:
            for waiting in self._replies.values():
                if not waiting.done():
                    waiting.set_exception(LessonRefusal("server-failed"))
                    waiting.exception()  # nobody may be waiting any more
            on_closed(self)
            await self.service.disconnected(self.connection)


def name_sources(offer: str, source: Source, *, with_sound: bool) -> dict[str, Source]:
    """What each m-line of an encoder's offer is: the first picture `source`, the first sound
    `room`. Raises `LessonRefusal` if nothing is left to send.
    """
    named: dict[str, Source] = {}
    for m_line in offered_m_lines(offer):
        if not m_line.sends:
            continue
        wanted = Source.ROOM if m_line.kind == "audio" else source
        fits = m_line.kind == "audio" if wanted is Source.ROOM else m_line.kind == "video"
        if fits and wanted not in named.values() and (with_sound or wanted is not Source.ROOM):
            named[m_line.mid] = wanted
    if not named:
        raise LessonRefusal("wrong-kind" if with_sound else "sound-elsewhere")
    return named


def has_sound(offer: str) -> bool:
    """Whether an offer sends any sound."""
    return any(m_line.kind == "audio" and m_line.sends for m_line in offered_m_lines(offer))
