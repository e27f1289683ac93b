"""Small stand-ins for what signaling is handed, and a desk at which a lesson is played by hand.

`MediaModel` answers like the media core without any packet: it knows which device sends what, which
offer is out, and what is paused. `Desk` carries a `Lesson`'s effects out on it at once and keeps
what each connection was sent. `FakeMedia` is the same model behind the asynchronous `ports.Media`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mixer.errors import AnswerUnexpected, LessonOpen, LessonUnknown, NodeFull, SdpRefused
from mixer.node import (
    ConsumerInfo,
    Kind,
    MediaEvent,
    ProducerInfo,
    PublishAnswer,
    SourceOffer,
    SubscribeOffer,
    TapInfo,
    Want,
)
from signaling import messages as m
from signaling.errors import TokenRefused
from signaling.lesson import Lesson
from signaling.lesson import effects as f
from signaling.lesson import events as e
from signaling.messages import CloseCode, DeviceKind, Mode, Role, Source
from signaling.ports import Identity, LessonPlan, SeatPlan, SignalingSettings

_Message = TypeVar("_Message")
START = 1_700_000_000.0
LESSON = "lesson-1"
SETTINGS = SignalingSettings()


def profile(*sources: Source) -> m.SendProfile:
    return m.SendProfile(
        name="test", sources=[m.SourceProfile(source=s, max_bitrate_bps=800_000) for s in sources]
    )


def plan(mode: Mode = Mode.BLENDED, *, rooms: int = 3, record: bool = False) -> LessonPlan:
    """One lead and some rooms, `room-1`, `room-2`, …"""
    usual = profile(Source.TEACHER, Source.STUDENTS, Source.ROOM)
    seats = [SeatPlan("lead", Role.LEAD, "Ms Li", "First School", usual)]
    seats += [
        SeatPlan(f"room-{n}", Role.ROOM, f"Class {n}", f"Village {n}", usual)
        for n in range(1, rooms + 1)
    ]
    return LessonPlan(LESSON, "Fractions", mode, START, record, tuple(seats))


def identity(seat: str, lesson_id: str = LESSON) -> Identity:
    """`lead`, `room-…`, `assistant-…` or `observer-…` by name."""
    role = Role(seat.partition("-")[0])
    return Identity(lesson_id, seat, role, f"name of {seat}")


def offer_of(*sources: Source, ufrag: str = "abcd") -> str:
    """A publish offer with one m-line per source, `mid` = the source's name."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for source in sources:
        kind = "audio" if source is Source.ROOM else "video"
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF 96",
            f"a=mid:{source.value}",
            "a=sendonly",
            f"a=ice-ufrag:{ufrag}",
            "a=ice-pwd:0123456789012345678901",
        ]
    return "\r\n".join(lines) + "\r\n"


def publish(*sources: Source, **fields: str) -> m.Publish:
    return m.Publish(sdp=offer_of(*sources), sources={s.value: s for s in sources}, **fields)


@dataclass
class DeviceMedia:
    """What the media core knows of one device."""

    producers: dict[str, ProducerInfo] = field(default_factory=dict)  # by mid
    wants: tuple[Want, ...] = ()
    offer_out: bool = False
    player: bool = False


class MediaModel:
    """One lesson's media without packets. `fail_next` makes the next call of that name fail."""

    def __init__(self, first_number: int = 1) -> None:
        self.devices: dict[str, DeviceMedia] = {}
        self.paused: dict[str, bool] = {}
        self.fail_next: dict[str, Exception] = {}
        self.restarts = 0
        self._numbers = itertools.count(first_number)

    def _fail(self, call: str) -> None:
        error = self.fail_next.pop(call, None)
        if error is not None:
            raise error

    @property
    def producers(self) -> dict[str, ProducerInfo]:
        return {p.producer_id: p for d in self.devices.values() for p in d.producers.values()}

    def publish(self, device_id: str, sdp: str, offers: dict[str, SourceOffer]) -> PublishAnswer:
        self._fail("publish")
        if "refuse-me" in sdp:
            raise SdpRefused("refuse-me")
        device = self.devices.setdefault(device_id, DeviceMedia())
        for mid in [mid for mid in device.producers if mid not in offers]:
            self.paused.pop(device.producers.pop(mid).producer_id, None)
        for mid, source in offers.items():
            if mid not in device.producers:
                kind = Kind.AUDIO if source.label == "room" else Kind.VIDEO
                producer_id = f"p{next(self._numbers)}"
                device.producers[mid] = ProducerInfo(
                    producer_id, device_id, source.label, kind, "H264", 1
                )
                self.paused[producer_id] = False
        return PublishAnswer("v=0\r\nanswer", tuple(device.producers.values()))

    def subscribe(
        self, device_id: str, wants: Sequence[Want], *, restart: bool
    ) -> SubscribeOffer | None:
        self._fail("subscribe")
        device = self.devices.setdefault(device_id, DeviceMedia())
        assert restart or not device.offer_out, "an offer is out: it must be answered first"
        assert {w.producer_id for w in wants} <= set(self.producers)
        self.restarts += restart
        if tuple(wants) == device.wants and not restart:
            return None
        if device.player:  # it has offered itself: streams go on its free lines
            device.wants = tuple(wants)
            return None
        device.wants, device.offer_out = tuple(wants), True
        consumers = tuple(ConsumerInfo(w.producer_id, str(n)) for n, w in enumerate(wants))
        return SubscribeOffer("v=0\r\noffer", consumers)

    def subscribe_answer(self, device_id: str, sdp: str) -> None:
        self._fail("subscribe_answer")
        device = self.devices.get(device_id)
        if device is None or not device.offer_out:
            raise AnswerUnexpected("no offer")
        device.offer_out = False

    def subscribe_offered(self, device_id: str, sdp: str, wants: Sequence[Want]) -> str:
        self._fail("subscribe_offered")
        self.devices[device_id] = DeviceMedia(wants=tuple(wants), player=True)
        return "v=0\r\nplayer-answer"

    def unpublish(self, producer_id: str) -> None:
        for device in self.devices.values():
            for mid, producer in list(device.producers.items()):
                if producer.producer_id == producer_id:
                    del device.producers[mid]
        self.paused.pop(producer_id, None)

    def close_device(self, device_id: str) -> None:
        device = self.devices.pop(device_id, None)
        if device is not None:
            for producer in device.producers.values():
                self.paused.pop(producer.producer_id, None)

    def pause(self, producer_id: str, paused: bool) -> None:
        assert producer_id in self.paused, f"{producer_id} is not there to be paused"
        self.paused[producer_id] = paused

    def heard(self) -> set[str]:
        """Producers of sound that go to the others."""
        return {
            p.producer_id
            for p in self.producers.values()
            if p.kind is Kind.AUDIO and not self.paused[p.producer_id]
        }


@dataclass
class Client:
    """One device's end at the desk: what it was sent, and why it was closed."""

    desk: Desk = field(repr=False)
    number: int
    received: list[m.ServerMessage] = field(default_factory=list, repr=False)
    closed: CloseCode | None = None
    welcome: m.Welcome | None = field(default=None, repr=False)
    # The lesson as this client knows it from what it was told.
    lesson: m.LessonState | None = field(default=None, repr=False)
    seats: dict[str, m.SeatState] = field(default_factory=dict, repr=False)

    def take(self, message: m.ServerMessage) -> None:
        """Remember a message and what it tells."""
        self.received.append(message)
        match message:
            case m.Welcome():
                self.welcome, self.lesson = message, message.lesson
                self.seats = {seat.seat_id: seat for seat in message.seats}
            case m.LessonChanged():
                self.lesson = message.lesson
            case m.SeatChanged():
                self.seats[message.seat.seat_id] = message.seat
            case m.SeatRemoved():
                del self.seats[message.seat_id]

    @property
    def device_id(self) -> str:
        assert self.welcome is not None
        return self.welcome.device_id

    def say(self, message: m.ClientMessage) -> list[m.ServerMessage]:
        """Send a message; everything this client is told by it."""
        before = len(self.received)
        self.desk.feed(e.RequestReceived(self.number, message))
        return self.received[before:]

    def ask(self, message: m.ClientMessage) -> str:
        """Send a message; `done`, another answer's type, or a refusal's code."""
        asked = message.model_copy(update={"request_id": "q"})
        for answer in self.say(asked):
            if getattr(answer, "request_id", None) == "q":
                return answer.code if isinstance(answer, m.Refused) else answer.type
        return "nothing"

    def publish(self, *sources: Source) -> dict[str, str]:
        """Publish these sources and have each send its first packet; mid → producer."""
        for answer in self.say(publish(*sources)):
            if isinstance(answer, m.Published):
                return answer.producers
        raise AssertionError(self.received[-1])

    def cut(self) -> None:
        """The connection is lost."""
        self.desk.clients.pop(self.number, None)
        self.desk.feed(e.ConnectionLost(self.number))

    def of(self, kind: type[_Message]) -> list[_Message]:
        return [message for message in self.received if isinstance(message, kind)]


class Desk:
    """A lesson with its media model; time stands until `advance`."""

    def __init__(
        self,
        mode: Mode = Mode.BLENDED,
        *,
        rooms: int = 3,
        settings: SignalingSettings = SETTINGS,
        record: bool = False,
    ) -> None:
        self.plan = plan(mode, rooms=rooms, record=record)
        self.settings = settings
        self.now = START
        self.lesson = Lesson(self.plan, settings, self.now)
        self.media = MediaModel()
        self.clients: dict[int, Client] = {}
        self.journal: list[dict[str, object]] = []
        self.observed: list[tuple[str, str]] = []
        self.saves = 0
        self.closed: f.CloseLesson | None = None
        self._numbers = itertools.count(1)

    # --- playing ------------------------------------------------------------------------------

    def join(
        self,
        seat: str,
        *,
        kind: DeviceKind = DeviceKind.BROWSER,
        resume: str | None = None,
        keep_media: bool = False,
        token: bool = True,
        over_http: bool = False,
        offers_sound: bool = True,
        protocol: int = m.PROTOCOL_VERSION,
    ) -> Client:
        """A new connection joins; `client.welcome` is None if it was refused."""
        number = next(self._numbers)
        client = Client(self, number)
        self.clients[number] = client
        message = m.Join(
            token="t", device=kind, resume=resume, keep_media=keep_media, protocol=protocol
        )
        self.feed(
            e.JoinRequested(
                connection=number,
                identity=identity(seat) if token else None,
                join=message,
                device_id=f"device-{number}",
                resume=f"{LESSON}~key-{number}",
                over_http=over_http,
                offers_sound=offers_sound,
            )
        )
        return client

    def feed(self, event: e.Event) -> None:
        self.carry_out(self.lesson.handle(event, self.now))

    def advance(self, seconds: float) -> None:
        """Let time pass, with all the timers in it."""
        until = self.now + seconds
        while (due := self.lesson.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.carry_out(self.lesson.handle_timer(self.now))
        self.now = until

    def kill_and_restore(self) -> None:
        """SIGKILL: everything but the saved state is gone."""
        state = self.lesson.save()
        self.clients.clear()
        self.media = MediaModel(next(self.media._numbers))
        self.lesson, effects = Lesson.restore(self.plan, self.settings, state, self.now)
        self.carry_out(effects)

    def notice(self, event: MediaEvent) -> None:
        self.feed(e.MediaReported(event))

    # --- looking ------------------------------------------------------------------------------

    def seat(self, seat_id: str) -> m.SeatState:
        return {seat.seat_id: seat for seat in self.lesson.view()[1]}[seat_id]

    @property
    def state(self) -> m.LessonState:
        return self.lesson.view()[0]

    def heard_seats(self) -> set[str]:
        """Seats whose sound the media core forwards."""
        heard = self.media.heard()
        return {
            seat.seat_id
            for seat in self.lesson.view()[1]
            for source in seat.sources
            if source.producer_id in heard
        }

    def entries(self, kind: str) -> list[dict[str, object]]:
        return [entry for entry in self.journal if entry["type"] == kind]

    # --- effects ------------------------------------------------------------------------------

    def carry_out(self, effects: Iterable[f.Effect]) -> None:
        for effect in effects:
            match effect:
                case f.Send():
                    for number in effect.connections:
                        self._deliver(number, effect.message)
                case f.CloseConnection():
                    client = self.clients.pop(effect.connection, None)
                    if client is not None:
                        client.closed = effect.code
                case f.WriteJournal():
                    self.journal.append(dict(effect.entry))
                case f.ProducerAdded():
                    self.observed.append(("added", effect.producer_id))
                case f.ProducerRemoved():
                    self.observed.append(("removed", effect.producer_id))
                case f.Save():
                    self.saves += 1
                case f.CloseLesson():
                    self.closed = effect
                case _:
                    self._call(effect)

    def _deliver(self, number: int, message: m.ServerMessage) -> None:
        client = self.clients.get(number)
        assert client is not None, f"sent to connection {number}, which is not there: {message}"
        # What the wire would do: the message must survive it.
        parsed = m.server_message.validate_json(m.server_message.dump_json(message))
        client.take(parsed)

    def _call(self, effect: f.MediaCall) -> None:
        answer = call_media(self.media, effect)
        if answer is not None:
            self.feed(answer)


def call_media(media: MediaModel, effect: f.MediaCall) -> e.MediaAnswered | None:
    """What the runner does with a media effect, at once."""
    names = {f.MediaPublish: "publish", f.MediaSubscribe: "subscribe", f.MediaAnswer: "answer"}
    try:
        match effect:
            case f.MediaPause():
                media.pause(effect.producer_id, effect.paused)
            case f.MediaCloseDevice():
                media.close_device(effect.device_id)
            case f.MediaUnpublish():
                media.unpublish(effect.producer_id)
            case f.MediaPublish(device_id, sdp, sources, offers, request_id):
                published = media.publish(device_id, sdp, dict(offers))
                return e.PublishAnswered(device_id, sources, published, request_id)
            case f.MediaSubscribe(device_id, wants, restart, request_id):
                offer = media.subscribe(device_id, wants, restart=restart)
                return e.SubscribeOffered(device_id, offer, request_id)
            case f.MediaAnswer(device_id, sdp, request_id):
                media.subscribe_answer(device_id, sdp)
                return e.AnswerAccepted(device_id, request_id)
            case f.MediaPlay(device_id, sdp, wants, request_id):
                answer = media.subscribe_offered(device_id, sdp, wants)
                return e.PlayAnswered(device_id, answer, request_id)
    except (SdpRefused, AnswerUnexpected, NodeFull):
        call = names.get(type(effect), "play")
        return e.MediaFailed(effect.device_id, call, "bad-sdp", effect.request_id)  # type: ignore[union-attr,arg-type]
    return None


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

    async def tap(self, lesson_id: str, producer_id: str, socket_path: str) -> TapInfo:
        raise NotImplementedError("signaling taps nothing")

    async def untap(self, lesson_id: str, tap_id: str) -> None:
        raise NotImplementedError("signaling taps nothing")


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
        self.save_error: Exception | None = None

    async def plan(self, lesson_id: str) -> LessonPlan | None:
        return None if lesson_id in self.endings else self.plans.get(lesson_id)

    async def load_state(self, lesson_id: str) -> str | None:
        return self.states.get(lesson_id)

    async def save_state(self, lesson_id: str, state: str) -> None:
        if self.save_error is not None:
            raise self.save_error
        self.states[lesson_id] = state

    async def ended(self, lesson_id: str, at: float, reason: str) -> None:
        self.endings[lesson_id] = reason


class FakeObserver:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    async def lesson_opened(self, plan: LessonPlan) -> None:
        self.heard.append(("opened", plan.lesson_id))

    async def happened(self, lesson_id: str, event: dict[str, object]) -> None:
        self.heard.append(("happened", event["type"]))

    async def producer_added(
        self, lesson_id: str, seat_id: str, source: str, producer_id: str
    ) -> None:
        self.heard.append(("added", (seat_id, source, producer_id)))

    async def producer_removed(self, lesson_id: str, producer_id: str) -> None:
        self.heard.append(("removed", producer_id))

    async def lesson_closed(self, lesson_id: str) -> None:
        self.heard.append(("closed", lesson_id))
