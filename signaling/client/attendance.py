"""One joining of one lesson, from the welcome to whatever ends it.

Owns what every device does: it follows the seats, publishes what it has and wants what it wants,
and notices when its media fails. What it sends, wants and does beside is its `Participant`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from signaling.client.errors import RequestRefused, ServerLost
from signaling.client.link import Link
from signaling.client.sentences import Say, Sentence
from signaling.protocol.messages import (
    ClientMessage,
    LayersNeeded,
    LessonChanged,
    LessonEnded,
    LessonState,
    Publish,
    Published,
    SeatChanged,
    SeatRemoved,
    SeatState,
    Source,
    Subscribe,
    SubscribeAnswer,
    SubscribeOffer,
    Want,
    Welcome,
)

if TYPE_CHECKING:
    from signaling.client.receiving import Receiving  # media is loaded with the first lesson

# Another device of the seat sends already: this one looks on until that one is gone.
_SOURCE_REFUSED = {"source-taken", "sound-elsewhere", "source-not-allowed"}
_PUBLISH_AGAIN_S = 2.0
_LOOK_EVERY_S = 0.5  # at what the participant wants: people wait longer for a reaction


class Sending(Protocol):
    """A publish connection. `offer`, then `take_answer`, then it sends until `close`."""

    failed: asyncio.Event

    async def offer(self) -> tuple[str, dict[str, Source]]:
        """The SDP offer, and the source of each of its m-lines by mid."""
        ...

    async def take_answer(self, sdp: str) -> None:
        """Begin to send; raises `ServerLost` when it does not connect."""
        ...

    def need(self, mid: str, layers: int) -> None:
        """Of this m-line's picture so many layers, from the smallest on, are needed by anybody."""
        ...

    async def close(self) -> None: ...


class Participant(Protocol):
    """What a device sends, wants and does in a lesson it has joined."""

    def lesson_is(self, lesson: LessonState) -> None:
        """The lesson as everybody sees it, at first and whenever it has changed."""
        ...

    def seat_is(self, seat: SeatState) -> None:
        """A seat, at first and whenever it has changed; one's own too."""
        ...

    def seat_is_gone(self, seat_id: str) -> None: ...

    def wants(self, seats: Mapping[str, SeatState]) -> list[Want]:
        """What to receive of these seats, in a fixed order."""
        ...

    def receiving(self) -> Receiving:
        """The connection for what is wanted; made when there is first an offer."""
        ...

    async def sending(self) -> Sending | None:
        """A new connection with all there is to send; None when there is nothing."""
        ...

    def sends_anew(self) -> bool:
        """Whether other things are to be sent than `sending` last gave; asked twice a second."""
        ...

    def wish(self, now: float) -> ClientMessage | None:
        """What to ask for now, by the loop's clock; looked at twice a second."""
        ...


class Attendance:
    """`run` it once, then `close` it. `own` is the device's seat as it was on joining."""

    def __init__(
        self,
        link: Link,
        welcome: Welcome,
        own: SeatState,
        participant: Participant,
        *,
        say: Say,
    ) -> None:
        self._link = link
        self._own = own
        self._participant = participant
        self._say = say
        self._seats = {state.seat_id: state for state in welcome.seats}
        self._sending: Sending | None = None
        self._receiving: Receiving | None = None
        self._anew = asyncio.Event()
        self._wanted: list[str] = []
        self._mids: dict[str, str] = {}  # of what is sent: m-line → producer
        self._layers_needed: dict[str, int] = {}  # as last told, by producer
        participant.lesson_is(welcome.lesson)
        for state in welcome.seats:
            participant.seat_is(state)

    async def run(self) -> None:
        """Returns when the lesson has ended. Raises `ServerLost` for all else."""
        tasks = [
            asyncio.create_task(part, name=name)
            for name, part in (
                ("seat-events", self._follow()),
                ("seat-media", self._send()),
                ("seat-behaviour", self._behave()),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def close(self) -> None:
        """Give both media connections up."""
        for connection in (self._sending, self._receiving):
            if connection is not None:
                await connection.close()

    async def _follow(self) -> None:
        """Take the server's events until the lesson ends."""
        await self._subscribe()
        async for event in self._link.events():
            if isinstance(event, LessonEnded):
                return
            if isinstance(event, SeatChanged):
                self._seats[event.seat.seat_id] = event.seat
                self._participant.seat_is(event.seat)
                await self._subscribe()
            elif isinstance(event, SeatRemoved):
                self._seats.pop(event.seat_id, None)
                self._participant.seat_is_gone(event.seat_id)
                await self._subscribe()
            elif isinstance(event, LessonChanged):
                self._participant.lesson_is(event.lesson)
                if event.lesson.ended:
                    return
                await self._subscribe()  # its own streams may have changed
            elif isinstance(event, SubscribeOffer):
                await self._answer(event)
            elif isinstance(event, LayersNeeded):
                self._layers_needed[event.producer_id] = event.layers
                self._tell_needed()
        raise ServerLost("the line broke", "线路断开")

    async def _send(self) -> None:
        """Publish, again whenever it is to be anew, until the media connection fails."""
        told = ""
        while True:
            self._anew.clear()
            try:
                if await self._publish():
                    await self._until_anew()
                else:
                    await self._anew.wait()  # nothing to send
                continue
            except RequestRefused as refusal:
                if refusal.refused.code not in _SOURCE_REFUSED:
                    raise
                if refusal.refused.code != told:
                    told = refusal.refused.code
                    self._say(
                        Sentence(
                            f"没有发送：{refusal.said.zh}", f"sends nothing: {refusal.said.en}"
                        ).about(self._own.name)
                    )
            if self._sending is not None:
                await self._sending.close()
            await asyncio.sleep(_PUBLISH_AGAIN_S)

    async def _until_anew(self) -> None:
        """Until something else is to be sent."""
        assert self._sending is not None  # _publish has made it
        waits = [asyncio.ensure_future(e.wait()) for e in (self._sending.failed, self._anew)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        if self._sending.failed.is_set():
            raise ServerLost("the media connection failed", "发送音视频的连接断开")
        await self._sending.close()

    async def _publish(self) -> bool:
        self._sending = await self._participant.sending()
        if self._sending is None:
            return False
        sdp, sources = await self._sending.offer()
        answer = await self._link.ask(Publish(sdp=sdp, sources=sources))
        if not isinstance(answer, Published):
            raise ServerLost("the server does not answer the offer", "服务器没有回答媒体请求")
        self._mids = answer.producers
        self._tell_needed()
        await self._sending.take_answer(answer.sdp)
        return True

    def _tell_needed(self) -> None:
        for mid, producer_id in self._mids.items():
            layers = self._layers_needed.get(producer_id)
            if layers is not None and self._sending is not None:
                self._sending.need(mid, layers)

    async def _behave(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._receiving is not None and self._receiving.failed.is_set():
                raise ServerLost("the receiving connection failed", "接收音视频的连接断开")
            if self._participant.sends_anew():
                self._anew.set()
            wish = self._participant.wish(loop.time())
            if wish is not None:
                try:
                    await self._link.ask(wish)
                except RequestRefused as refusal:  # others may have been quicker; pupils wait
                    self._say(refusal.said.about(self._own.name))

    async def _subscribe(self) -> None:
        wanted = self._participant.wants(self._seats)
        names = [want.producer_id for want in wanted]
        if names == self._wanted:
            return
        self._wanted = names
        try:
            answer = await self._link.ask(Subscribe(wants=wanted))
        except RequestRefused as refusal:
            if refusal.refused.code != "unknown-producer":
                raise
            self._wanted = []  # it went while we asked; the event that says so is under way
            return
        if isinstance(answer, SubscribeOffer):
            await self._answer(answer)

    async def _answer(self, offer: SubscribeOffer) -> None:
        if self._receiving is None:
            self._receiving = self._participant.receiving()
        sdp = await self._receiving.take_offer(offer, self._seats)
        await self._link.ask(SubscribeAnswer(sdp=sdp))
