"""One simulated seat: it joins, sends, behaves, comes back after every loss, and ends in order.

Owns the seat's life. The parts are elsewhere: `entry` (tokens), `link` (messages), `sending` and
`receiving` (media), `behaviour` (what pupils do).

    WAITING ──token──► JOINING ──welcome──► IN_LESSON ──lesson ended──► WAITING or GONE
       ▲                  │                     │
       └── backoff ───────┴───── line lost ─────┘        refused for good ──► GONE
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from server.simulate.behaviour import Behaviour
from server.simulate.entry import Entry, ServerAddress
from server.simulate.errors import ConnectionLost, SeatRefused
from server.simulate.link import Link, RequestRefused, open_link
from server.simulate.receiving import Receiving, wants
from server.simulate.sending import Sending, Studio, choose_cameras
from server.simulate.settings import SeatSettings
from server.simulate.watch import StreamSeen
from signaling.protocol.messages import (
    DeviceKind,
    Join,
    Leave,
    LessonChanged,
    LessonEnded,
    Publish,
    Published,
    Refused,
    SeatChanged,
    SeatRemoved,
    SeatState,
    Source,
    Subscribe,
    SubscribeAnswer,
    SubscribeOffer,
    Welcome,
)

# Come back at once, then ever slower: a server that starts must not meet all rooms at one moment.
_BACKOFF_S = (0.3, 0.6, 1.0, 1.5, 2.0)
_BEHAVE_EVERY_S = 0.5
_LEAVE_TIMEOUT_S = 1.0
# Another device of the seat sends already: this one looks on until that one is gone.
_SOURCE_REFUSED = {"source-taken", "sound-elsewhere", "source-not-allowed"}
_PUBLISH_AGAIN_S = 2.0
# Refusals that pass by themselves; every other one is for good when there is only one token.
_PASSING = {
    "too-fast", "lesson-full", "media-full", "media-failed", "server-failed", "seat-full",
}  # fmt: skip


class Phase(Enum):
    WAITING = auto()
    JOINING = auto()
    IN_LESSON = auto()
    GONE = auto()


class SimulatedSeat:
    """`await run()` it; cancel it to make the seat leave. `phase`, `seen` and `joins` tell."""

    def __init__(
        self,
        server: ServerAddress,
        entry: Entry,
        settings: SeatSettings,
        *,
        rng: random.Random,
        say: Callable[[str], None],
    ) -> None:
        self.server = server
        self.entry = entry
        self.settings = settings
        self.phase = Phase.WAITING
        self.seen: dict[str, StreamSeen] = {}
        self.seat_id = ""
        self.name = f"#{settings.appearance.identity}"
        self.joins = 0
        self._rng = rng
        self._say = say
        self._resume: str | None = None
        self._studio: Studio | None = None
        self._told = ""

    async def run(self) -> None:
        """Until the lesson is over (with a credential: for good).

        Raises `SeatRefused` when the server will not have this seat.
        """
        losses = 0
        try:
            while True:
                self._enter(Phase.WAITING)
                joins = self.joins
                try:
                    if await self._one_lesson():
                        return
                    losses = 0
                except ConnectionLost as loss:
                    losses = 1 if self.joins > joins else losses + 1
                    await self._back_off(losses, str(loss))
                except RequestRefused as refusal:
                    losses += 1
                    self._judge(refusal.refused)
                    await self._back_off(losses, str(refusal))
        finally:
            self._enter(Phase.GONE)

    async def _one_lesson(self) -> bool:
        """One try to attend. True when there is nothing more to wait for."""
        token = await self.entry.token()
        if token is not None:
            self._enter(Phase.JOINING)
            await self._attend(token)
            self._say(f"{self.name}: the lesson is over")
            self._resume = None
            if not self.entry.stays:
                return True
        await asyncio.sleep(self.entry.wait_s)
        return False

    def _judge(self, refused: Refused) -> None:
        if self._resume is not None:
            self._resume = None  # the key may have been what was wrong
            return
        if refused.code not in _PASSING and not self.entry.stays:
            raise SeatRefused(refused.code, refused.message_en)

    async def _back_off(self, losses: int, reason: str) -> None:
        wait_s = _BACKOFF_S[min(losses, len(_BACKOFF_S)) - 1] * self._rng.uniform(0.8, 1.2)
        if reason != self._told:  # a long outage is one line, not a thousand
            self._told = reason
            self._say(f"{self.name}: {reason}; trying again")
        await asyncio.sleep(wait_s)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase

    async def _attend(self, token: str) -> None:
        """From joining to the lesson's end. Raises when it ends otherwise."""
        async with open_link(self.server) as link:
            join = Join(token=token, device=DeviceKind.SIMULATED, resume=self._resume)
            welcome = await link.ask(join)
            if not isinstance(welcome, Welcome):
                raise ConnectionLost("the server does not greet")
            self._resume = welcome.resume
            self.joins += 1
            self._told = ""
            self._enter(Phase.IN_LESSON)
            attendance = _Attendance(self, link, welcome)
            self.seat_id, self.name = welcome.seat_id, attendance.own.name
            again = f" again ({self.joins})" if self.joins > 1 else ""
            self._say(f"{self.name}: in the lesson{again} as {welcome.role.value}")
            try:
                await attendance.run()
            except asyncio.CancelledError:
                with suppress(ConnectionLost, RequestRefused, TimeoutError):
                    async with asyncio.timeout(_LEAVE_TIMEOUT_S):
                        await link.ask(Leave())
                raise
            finally:
                await attendance.close()

    def studio(self, own: SeatState) -> Studio:
        """The seat's pictures and voice, kept over reconnections."""
        if self._studio is None or (self._studio.name, self._studio.school) != (
            own.name,
            own.school,
        ):
            self._studio = Studio(own.name, own.school, self.settings.appearance)
        return self._studio

    @property
    def rng(self) -> random.Random:
        return self._rng

    def say(self, text: str) -> None:
        self._say(text)


class _Attendance:
    """One joining of one lesson, from the welcome to whatever ends it."""

    def __init__(self, seat: SimulatedSeat, link: Link, welcome: Welcome) -> None:
        self.seat = seat
        self.link = link
        self.welcome = welcome
        self.seats = {state.seat_id: state for state in welcome.seats}
        self.own = self.seats.get(welcome.seat_id) or SeatState(
            seat_id=welcome.seat_id, role=welcome.role, name=seat.name
        )
        self.mind = Behaviour(welcome.seat_id, welcome.role, seat.settings.habits, seat.rng)
        self.mind.lesson_is(welcome.lesson)
        for state in welcome.seats:
            self.mind.seat_is(state)
        self.sending: Sending | None = None
        self.receiving: Receiving | None = None
        self._wanted: list[str] = []

    async def run(self) -> None:
        """Returns when the lesson has ended. Raises `ConnectionLost` for all else."""
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
        for connection in (self.sending, self.receiving):
            if connection is not None:
                await connection.close()

    async def _follow(self) -> None:
        """Take the server's events until the lesson ends."""
        await self._subscribe()
        async for event in self.link.events():
            if isinstance(event, LessonEnded):
                return
            if isinstance(event, SeatChanged):
                self.seats[event.seat.seat_id] = event.seat
                self.mind.seat_is(event.seat)
                await self._subscribe()
            elif isinstance(event, SeatRemoved):
                self.seats.pop(event.seat_id, None)
                self.mind.seat_is_gone(event.seat_id)
                await self._subscribe()
            elif isinstance(event, LessonChanged):
                self.mind.lesson_is(event.lesson)
                if event.lesson.ended:
                    return
            elif isinstance(event, SubscribeOffer):
                await self._answer(event)
        raise ConnectionLost("the line broke")

    async def _send(self) -> None:
        """Publish, then wait for the media connection to fail."""
        told = ""
        while True:
            try:
                if await self._publish():
                    break
                await asyncio.Event().wait()  # nothing to send: only the lesson's end ends this
            except RequestRefused as refusal:
                if refusal.refused.code not in _SOURCE_REFUSED:
                    raise
                if refusal.refused.code != told:
                    told = refusal.refused.code
                    self.seat.say(f"{self.seat.name}: sends nothing: {refusal}")
            if self.sending is not None:
                await self.sending.close()
            await asyncio.sleep(_PUBLISH_AGAIN_S)
        assert self.sending is not None  # noqa: S101 - _publish has made it
        await self.sending.failed.wait()
        raise ConnectionLost("the media connection failed")

    async def _publish(self) -> bool:
        profile = self.welcome.profile
        cameras = choose_cameras(profile, self.seat.settings.appearance)
        has_sound = any(source.source is Source.ROOM for source in profile.sources)
        speaks = has_sound and self.welcome.carries_sound
        if not cameras and not speaks:
            return False
        self.sending = Sending()
        studio = self.seat.studio(self.own)
        if speaks:
            self.sending.add_microphone(await studio.sound(), self._talks)
        for camera in cameras:
            pictures = await studio.pictures(camera)
            self.sending.add_camera(camera, pictures, lambda: self.mind.hand_is_up)
        sdp, sources = await self.sending.offer()
        answer = await self.link.ask(Publish(sdp=sdp, sources=sources))
        if not isinstance(answer, Published):
            raise ConnectionLost("the server does not answer the offer")
        await self.sending.take_answer(answer.sdp)
        return True

    def _talks(self) -> bool:
        return self.mind.talks(time.time())

    async def _behave(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_BEHAVE_EVERY_S)
            if self.receiving is not None and self.receiving.failed.is_set():
                raise ConnectionLost("the receiving connection failed")
            wish = self.mind.wishes(loop.time())
            if wish is not None:
                try:
                    await self.link.ask(wish)
                except RequestRefused as refusal:  # others may have been quicker; pupils wait
                    self.seat.say(f"{self.seat.name}: {refusal}")

    async def _subscribe(self) -> None:
        wanted = wants(self.seats, self.welcome.seat_id, self.seat.settings.receive)
        names = [want.producer_id for want in wanted]
        if names == self._wanted:
            return
        self._wanted = names
        try:
            answer = await self.link.ask(Subscribe(wants=wanted))
        except RequestRefused as refusal:
            if refusal.refused.code != "unknown-producer":
                raise
            self._wanted = []  # it went while we asked; the event that says so is under way
            return
        if isinstance(answer, SubscribeOffer):
            await self._answer(answer)

    async def _answer(self, offer: SubscribeOffer) -> None:
        if self.receiving is None:
            rate = self.seat.settings.appearance.max_frame_rate
            self.receiving = Receiving(self.seat.seen, rate)
        sdp = await self.receiving.take_offer(offer, self.seats)
        await self.link.ask(SubscribeAnswer(sdp=sdp))
