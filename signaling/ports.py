"""What signaling is handed from outside: who a token is, where lessons are kept, the media.

Narrow protocols: `server/parts.py` gives the real things, tests give small fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mixer.model import MediaEvent, PublishAnswer, SourceOffer, SubscribeOffer, Want
from signaling.log.entries import AnyEntry
from signaling.protocol.messages import (
    IceServer,
    Layout,
    Mode,
    RemovalCode,
    Role,
    SendProfile,
    Source,
)
from signaling.turn import TurnServers


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """A seat of a lesson as planned: who may sit there and what its devices shall send."""

    seat_id: str
    role: Role
    name: str
    school: str
    profile: SendProfile


@dataclass(frozen=True, slots=True)
class LessonPlan:
    """A lesson as the timetable knows it."""

    lesson_id: str
    title: str
    mode: Mode
    started_at: float
    record: bool
    seats: tuple[SeatPlan, ...]
    layout: Layout = Layout.SPEAKER  # how pictures stand until the lead says otherwise


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a join token was given to: a person, or a device that stands in a classroom.

    All tokens of one bearer have the same `bearer_id`, in every lesson. A room device is nobody's
    hands: it keeps a seat, and leads nothing.
    """

    bearer_id: str
    name: str
    room_device: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """What a join token proves. A seat not in the plan (an observer's) brings its own name."""

    lesson_id: str
    seat_id: str
    role: Role
    name: str
    bearer: Bearer


class Tokens(Protocol):
    """Checks join tokens; raises `signaling.errors.TokenRefused`."""

    def verify(self, token: str, now: float) -> Identity: ...


class SourceKeys(Protocol):
    """Knows the long-lived keys of encoders, which are good for WHIP alone."""

    def is_key(self, token: str) -> bool:
        """Whether a bearer token is such a key, right or wrong, rather than a join token."""
        ...

    async def token_for(self, key: str, source: Source) -> str:
        """A join token for the lesson that is live for the key's room; raises `LessonRefusal`."""
        ...


class LessonStore(Protocol):
    """Keeps lessons over a crash of the server, and knows who may still be in them."""

    async def refusal_of(self, identity: Identity) -> RemovalCode | None:
        """Why this bearer may not come in any more, as a refusal's code; None if they may.

        A token opens the door for some minutes; meanwhile an account may have been deleted.
        """
        ...

    async def plan(self, lesson_id: str) -> LessonPlan | None:
        """The plan of a lesson that may be joined now; None if there is no such lesson.

        Raises `signaling.errors.LessonRefusal` for one that is in progress elsewhere.
        """
        ...

    async def load_state(self, lesson_id: str) -> str | None:
        """The last saved state of a lesson in progress (JSON), None if it never began."""
        ...

    async def save_state(self, lesson_id: str, state: str) -> None: ...

    async def keep_bars(self, lesson_id: str, state: str) -> None:
        """Keep who is let in no more, and whether it is recorded, over a kill of the server.

        When it returns that is done, whether the state as a whole could be saved or not: it is in
        what `load_state` gives.
        """
        ...

    async def ended(self, lesson_id: str, at: float, reason: str) -> None: ...


class LessonObserver(Protocol):
    """Hears all that happens in lessons: the recorder and the statistics. Must not block."""

    async def lesson_opened(self, plan: LessonPlan) -> None: ...

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        """One entry of the lesson's event log."""
        ...

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        """A stream has come. The lesson's own (`LessonSource`, but for seats' mixes) has no seat:
        its `seat_id` is empty."""
        ...

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None: ...

    async def lesson_closed(self, lesson_id: str) -> None:
        """The lesson has ended; not called when the server merely stops."""
        ...


class Media(Protocol):
    """The part of `mixer.node.MediaNode` that signaling uses."""

    async def open_lesson(self, lesson_id: str, listener: Callable[[MediaEvent], None]) -> None: ...
    async def close_lesson(self, lesson_id: str) -> None: ...
    async def publish(
        self, lesson_id: str, device_id: str, offer_sdp: str, sources: dict[str, SourceOffer]
    ) -> PublishAnswer: ...
    async def unpublish(self, lesson_id: str, producer_id: str) -> None: ...
    async def subscribe(
        self, lesson_id: str, device_id: str, wants: Sequence[Want], *, restart: bool = False
    ) -> SubscribeOffer | None: ...
    async def subscribe_answer(self, lesson_id: str, device_id: str, sdp: str) -> None: ...
    async def subscribe_offered(
        self, lesson_id: str, device_id: str, offer_sdp: str, wants: Sequence[Want]
    ) -> str: ...
    async def close_device(self, lesson_id: str, device_id: str) -> None: ...
    def set_producer_paused(self, lesson_id: str, producer_id: str, paused: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class SignalingSettings:
    """Numbers of the signaling service: the server's settings of the same names.

    Set by whoever runs the server (`server/config.py`); reasons and bounds are in
    `docs/settings.md`.
    """

    ice_servers: tuple[IceServer, ...] = ()  # the same for all
    turn: TurnServers | None = None  # with a credential for each
    max_message_bytes: int = 131_072
    away_grace_s: float = 60.0
    silent_socket_s: float = 6.0
    join_timeout_s: float = 10.0
    lead_absent_s: float = 7200.0
    longest_lesson_s: float = 14_400.0
    lesson_warned_s: float = 600.0
    empty_lesson_s: float = 1800.0
    devices_per_seat: int = 4
    guests_per_lesson: int = 30
    programs: bool = False  # whether this server makes any lesson's program

    def ice_servers_for(self, device_id: str, now: float) -> tuple[IceServer, ...]:
        """The STUN and TURN servers a device is told; `now` is seconds since 1970."""
        relays = () if self.turn is None else (self.turn.for_device(device_id, now),)
        return (*self.ice_servers, *relays)
