"""A desk at which a lesson is played by hand.

`Desk` carries a `Lesson`'s effects out on the media model at once and keeps what each connection
was sent; time stands until it is told to go on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from mixer.model import MediaEvent
from signaling.lesson import Lesson
from signaling.lesson import effects as f
from signaling.lesson import events as e
from signaling.log.entries import as_members
from signaling.ports import Bearer, SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Mode, Source, VideoCodec
from tests.unit.signaling.media_model import MediaModel, call_media
from tests.unit.signaling.sample_lesson import LESSON, SETTINGS, START, identity, plan, publish

_Message = TypeVar("_Message")


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


def refusal(client: Client) -> str:
    """Why it was not let in; it was told once, and hung up on."""
    (answer,) = client.of(m.Refused)
    assert client.closed is CloseCode.REFUSED
    return answer.code


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
        shows: Iterable[VideoCodec] = VideoCodec,
        bearer: Bearer | None = None,
        enters: bool = True,
        takes_lead: bool = False,
        claims_sound: bool = False,
        plays_sound: bool = True,
    ) -> Client:
        """A new connection joins; `client.welcome` is None if it was refused."""
        number = next(self._numbers)
        client = Client(self, number)
        self.clients[number] = client
        message = m.Join(
            token="t",
            device=kind,
            resume=resume,
            keep_media=keep_media,
            protocol=protocol,
            shows=list(shows),
            enters=enters,
            takes_lead=takes_lead,
            claims_sound=claims_sound,
            plays_sound=plays_sound,
        )
        self.feed(
            e.JoinRequested(
                connection=number,
                identity=identity(seat, bearer=bearer) if token else None,
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
        self.media = MediaModel(next(self.media.numbers))
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
                    self.journal.append(as_members(effect.entry))
                case f.ProducerAdded():
                    self.observed.append(("added", effect.producer_id))
                case f.ProducerRemoved():
                    self.observed.append(("removed", effect.producer_id))
                case f.Save() | f.KeepBars():
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
