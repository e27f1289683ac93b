"""Small stand-ins for what the service is handed: media, tokens, store, observer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mixer.errors import LessonOpen, LessonUnknown
from mixer.model import MediaEvent, PublishAnswer, SourceOffer, SubscribeOffer, Want
from signaling.errors import LessonRefusal, TokenRefused
from signaling.lesson import Bar, bars_in
from signaling.log.entries import AnyEntry
from signaling.ports import Identity, LessonPlan
from signaling.protocol.messages import RemovalCode
from tests.unit.signaling.media_model import MediaModel
from tests.unit.signaling.sample_lesson import identity


class FakeMedia:
    """`ports.Media` over media models."""

    def __init__(self) -> None:
        self.lessons: dict[str, MediaModel] = {}
        self.listeners: dict[str, Callable[[MediaEvent], None]] = {}
        self.open_error: Exception | None = None
        self.closed: list[str] = []

    def model(self, lesson_id: str) -> MediaModel:
        if lesson_id not in self.lessons:
            raise LessonUnknown(lesson_id)
        return self.lessons[lesson_id]

    async def open_lesson(self, lesson_id: str, listener: Callable[[MediaEvent], None]) -> None:
        if self.open_error is not None:
            raise self.open_error
        if lesson_id in self.lessons:
            raise LessonOpen(lesson_id)
        self.lessons[lesson_id] = MediaModel()
        self.listeners[lesson_id] = listener

    async def close_lesson(self, lesson_id: str) -> None:
        self.lessons.pop(lesson_id, None)
        self.closed.append(lesson_id)

    async def publish(
        self, lesson_id: str, device_id: str, offer_sdp: str, sources: dict[str, SourceOffer]
    ) -> PublishAnswer:
        return self.model(lesson_id).publish(device_id, offer_sdp, sources)

    async def unpublish(self, lesson_id: str, producer_id: str) -> None:
        self.model(lesson_id).unpublish(producer_id)

    async def subscribe(
        self, lesson_id: str, device_id: str, wants: Sequence[Want], *, restart: bool = False
    ) -> SubscribeOffer | None:
        return self.model(lesson_id).subscribe(device_id, wants, restart=restart)

    async def subscribe_answer(self, lesson_id: str, device_id: str, sdp: str) -> None:
        self.model(lesson_id).subscribe_answer(device_id, sdp)

    async def subscribe_offered(
        self, lesson_id: str, device_id: str, offer_sdp: str, wants: Sequence[Want]
    ) -> str:
        return self.model(lesson_id).subscribe_offered(device_id, offer_sdp, wants)

    async def close_device(self, lesson_id: str, device_id: str) -> None:
        self.model(lesson_id).close_device(device_id)

    def set_producer_paused(self, lesson_id: str, producer_id: str, paused: bool) -> None:
        self.model(lesson_id).pause(producer_id, paused)


class FakeTokens:
    """A token is `lesson/seat`; `expired:` before it, or anything else, is refused."""

    def verify(self, token: str, now: float) -> Identity:
        if token.startswith("expired:"):
            raise TokenRefused("token-expired")
        lesson_id, _slash, seat = token.partition("/")
        try:
            return identity(seat, lesson_id)
        except ValueError:  # no role's name
            raise TokenRefused from None


class FakeStore:
    """Plans and states in memory."""

    def __init__(self, *plans: LessonPlan) -> None:
        self.plans = {plan.lesson_id: plan for plan in plans}
        self.states: dict[str, str] = {}
        self.endings: dict[str, str] = {}
        self.bars_kept: dict[str, dict[str, Bar]] = {}
        self.keeps = asyncio.Event()  # cleared, the disk is slow
        self.keeps.set()
        self.save_error: Exception | None = None
        self.unwelcome: dict[str, RemovalCode] = {}  # bearer → the code of the refusal
        self.ask_error: Exception | None = None
        self.elsewhere: set[str] = set()  # lessons that another process holds
        self.asked: list[str] = []  # bearers that came in by a token

    async def refusal_of(self, identity: Identity) -> RemovalCode | None:
        if self.ask_error is not None:
            raise self.ask_error
        self.asked.append(identity.bearer.bearer_id)
        return self.unwelcome.get(identity.bearer.bearer_id)

    async def plan(self, lesson_id: str) -> LessonPlan | None:
        if lesson_id in self.elsewhere:
            raise LessonRefusal("lesson-elsewhere")
        return None if lesson_id in self.endings else self.plans.get(lesson_id)

    async def load_state(self, lesson_id: str) -> str | None:
        return self.states.get(lesson_id)

    async def save_state(self, lesson_id: str, state: str) -> None:
        if self.save_error is not None:
            raise self.save_error
        self.states[lesson_id] = state

    async def keep_bars(self, lesson_id: str, state: str) -> None:
        await self.keeps.wait()
        if self.save_error is None:
            self.states[lesson_id] = state
        self.bars_kept[lesson_id] = bars_in(state)

    async def ended(self, lesson_id: str, at: float, reason: str) -> None:
        self.endings[lesson_id] = reason


class FakeObserver:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    async def lesson_opened(self, plan: LessonPlan) -> None:
        self.heard.append(("opened", plan.lesson_id))

    async def happened(self, lesson_id: str, entry: AnyEntry) -> None:
        self.heard.append(("happened", entry.type))

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        self.heard.append(("added", (seat_id, source, producer_id)))

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        self.heard.append(("removed", producer_id))

    async def lesson_closed(self, lesson_id: str) -> None:
        self.heard.append(("closed", lesson_id))
