"""One device at its seat: it joins, comes back after every loss, and ends in order.

Owns the device's life. The parts are elsewhere: `token_providers`, `link` (messages), `attendance`
(what is done in a lesson).

    WAITING ──token──► JOINING ──welcome──► IN_LESSON ──lesson ended──► WAITING or GONE
       ▲                  │                     │
       └── backoff ───────┴───── line lost ─────┘        refused for good ──► GONE
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from signaling.client.address import ServerAddress
from signaling.client.attendance import Attendance, Participant
from signaling.client.errors import RequestRefused, SeatRefused, ServerLost
from signaling.client.link import open_link
from signaling.client.sentences import Say, Sentence
from signaling.client.token_providers import TokenProvider
from signaling.protocol.messages import DeviceKind, Join, Leave, Refused, Role, SeatState, Welcome

# Come back at once, then ever slower: a server that starts must not meet all rooms at one moment.
_BACKOFF_S = (0.3, 0.6, 1.0, 1.5, 2.0)
_LEAVE_TIMEOUT_S = 1.0
# Refusals that pass by themselves; every other one is for good when there is only one token.
_PASSING = {
    "too-fast", "lesson-full", "media-full", "media-failed", "server-failed", "seat-full",
}  # fmt: skip

_ROLES = {
    Role.LEAD: "主讲",
    Role.ROOM: "教室",
    Role.ASSISTANT: "助教",
    Role.OBSERVER: "旁听",
}

# Who takes part in a lesson once it is joined, and at which seat.
Joined = Callable[[Welcome, SeatState], Participant]


class Phase(Enum):
    """Where a device stands in its life."""

    WAITING = auto()
    JOINING = auto()
    IN_LESSON = auto()
    GONE = auto()


class ClientDevice:
    """`await run()` it; cancel it to make the device leave. `phase`, `joins`, `seat_id` tell.

    `name` is what `say` calls it until the server has named its seat. One that has cameras alone
    does not offer sound, one that was set up for it claims it (`Join`).
    """

    def __init__(
        self,
        server: ServerAddress,
        token_provider: TokenProvider,
        kind: DeviceKind,
        joined: Joined,
        *,
        name: str,
        rng: random.Random,
        say: Say,
        offers_sound: bool = True,
        claims_sound: bool = False,
        plays_sound: bool = True,
    ) -> None:
        self.server = server
        self.token_provider = token_provider
        self.phase = Phase.WAITING
        self.seat_id = ""
        self.name = name
        self.joins = 0
        self.losses = 0  # of a line that was in a lesson
        self.lost_by: Sentence | None = None  # why it was lost last
        self.server_away = False  # it could not be reached when it was last asked
        self._kind = kind
        self._joined = joined
        self._rng = rng
        self._say = say
        self._sound = {
            "offers_sound": offers_sound,
            "claims_sound": claims_sound,
            "plays_sound": plays_sound,
        }
        self._resume: str | None = None
        self._told: Sentence | None = None

    @property
    def trouble(self) -> Sentence | None:
        """Why it is not in a lesson, as last told; None in one, and while there is none."""
        return self._told

    async def run(self) -> None:
        """Until the lesson is over (with a credential: for good).

        Raises `SeatRefused` when the server will not have this device.
        """
        losses = 0
        try:
            while True:
                self.phase = Phase.WAITING
                joins = self.joins
                try:
                    if await self._one_lesson():
                        return
                    losses = 0
                except ServerLost as loss:
                    if self.joins > joins:
                        self.losses, self.lost_by = self.losses + 1, loss.said
                    self.server_away = True
                    losses = 1 if self.joins > joins else losses + 1
                    await self._back_off(losses, loss.said)
                except RequestRefused as refusal:
                    losses += 1
                    self._judge(refusal.refused)
                    await self._back_off(losses, refusal.said)
        finally:
            self.phase = Phase.GONE

    async def _one_lesson(self) -> bool:
        """One try to attend. True when there is nothing more to wait for."""
        token = await self.token_provider.token()
        self.server_away = False
        if token is None:
            self._told = None
        else:
            self.phase = Phase.JOINING
            await self._attend(token)
            self._say(Sentence("本节课已结束", "the lesson is over").about(self.name))
            self._resume = None
            if not self.token_provider.stays:
                return True
        await asyncio.sleep(self.token_provider.wait_s)
        return False

    def _judge(self, refused: Refused) -> None:
        if self._resume is not None:
            self._resume = None  # the key may have been what was wrong
            return
        if refused.code not in _PASSING and not self.token_provider.stays:
            raise SeatRefused(refused.code, refused.message_en, refused.message_zh)

    async def _back_off(self, losses: int, reason: Sentence) -> None:
        wait_s = _BACKOFF_S[min(losses, len(_BACKOFF_S)) - 1] * self._rng.uniform(0.8, 1.2)
        if reason != self._told:  # a long outage is one line, not a thousand
            self._told = reason
            again = Sentence(f"{reason.zh}，正在重试", f"{reason.en}; trying again")
            self._say(again.about(self.name))
        await asyncio.sleep(wait_s)

    async def _attend(self, token: str) -> None:
        """From joining to the lesson's end. Raises when it ends otherwise."""
        async with open_link(self.server) as link:
            join = Join(token=token, device=self._kind, resume=self._resume, **self._sound)
            welcome = await link.ask(join)
            if not isinstance(welcome, Welcome):
                raise ServerLost("the server does not greet", "服务器没有应答")
            self._resume = welcome.resume
            self.joins += 1
            self._told = None
            self.phase = Phase.IN_LESSON
            own = self._own_seat(welcome)
            self.seat_id, self.name = welcome.seat_id, own.name
            attendance = Attendance(link, welcome, own, self._joined(welcome, own), say=self._say)
            self._say(_entered(self.joins, welcome.role).about(self.name))
            try:
                await attendance.run()
            except asyncio.CancelledError:
                with suppress(ServerLost, RequestRefused, TimeoutError):
                    async with asyncio.timeout(_LEAVE_TIMEOUT_S):
                        await link.ask(Leave())
                raise
            finally:
                await attendance.close()

    def _own_seat(self, welcome: Welcome) -> SeatState:
        known = (seat for seat in welcome.seats if seat.seat_id == welcome.seat_id)
        unnamed = SeatState(seat_id=welcome.seat_id, role=welcome.role, name=self.name)
        return next(known, unnamed)


def _entered(joins: int, role: Role) -> Sentence:
    again_zh, again_en = (f"再次（第 {joins} 次）", f" again ({joins})") if joins > 1 else ("", "")
    return Sentence(
        f"已{again_zh}进入课堂（{_ROLES[role]}）", f"in the lesson{again_en} as {role.value}"
    )
