"""A room in virtual time, on a bad line.

`Room` behaves like the page of a room or a teacher: it joins, publishes, subscribes to all others,
pings, and comes back by itself. Between it and the `lesson_server` are a reliable connection
(`wires`) and packets, on lines that lose some of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Source
from tests.sim.lesson_server import SETTINGS, SPOKEN_S, Server
from tests.sim.network import Line
from tests.sim.wires import Link
from tests.unit.signaling.sample_lesson import offer_of

PACKET_S = 0.1  # one packet of sound stands for five
NOBODY, ROOM_NOISE = -127.0, -62.0
PLAYOUT_S = 0.12  # what a page keeps of sound before it is played
TAIL_DB = 80 * SPOKEN_S  # sound dies away within 0.75 s


@dataclass
class Room:
    """One device at a seat, with its page: everything it does, it does by itself or is told to."""

    server: Server
    seat: str
    up: Line
    down: Line
    sources: tuple[Source, ...]
    kind: DeviceKind = DeviceKind.ROOM_PC
    link: Link | None = None
    resume: str | None = None
    device_id: str = ""
    seats: dict[str, m.SeatState] = field(default_factory=dict)
    lesson: m.LessonState | None = None
    ended: bool = False
    closed_with: list[CloseCode] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    streams: list[m.StreamChanged] = field(default_factory=list)
    back_at: list[float] = field(default_factory=list)
    ears: Counter[str] = field(default_factory=Counter)  # packets heard of each seat
    # How loud its people are at a time; by how much its loudspeaker is softer at its microphone.
    voice: Callable[[float], float] | None = None
    echo_db: float = NOBODY
    _played: dict[int, float] = field(default_factory=dict)  # by when, in `SPOKEN_S`
    _tail: float = NOBODY
    _heard_at: float = 0.0
    _sound: str | None = None
    _subscribing: bool = False
    _on: bool = False

    def __post_init__(self) -> None:
        self.server.rooms[self.seat] = self
        self.server.clock.every(2.0, self._ping)
        self.server.clock.every(0.5, self._watch)
        self.server.clock.every(PACKET_S, self._talk)

    # --- coming and going ---------------------------------------------------------------------

    def switch_on(self) -> None:
        self._on = True
        self._connect()

    def leave(self) -> None:
        self.say(m.Leave())
        self._on = False

    def say(self, message: m.ClientMessage) -> None:
        """Press a button; nothing happens while the connection is lost."""
        if self.link is not None:
            self.link.up.send(message)

    @property
    def connected(self) -> bool:
        return self.link is not None and self.lesson is not None

    def _connect(self) -> None:
        self.link = self.server.accept(self)
        self._heard_at = self.server.clock.now
        self.lesson = None
        self.say(m.Join(token="t", device=self.kind, resume=self.resume))

    def _watch(self) -> None:
        now = self.server.clock.now
        if self._on and not self.ended and now - self._heard_at > SETTINGS.silent_socket_s:
            self._drop()
            self._connect()

    def _drop(self) -> None:
        if self.link is not None:
            self.link.drop()
        self.link, self.lesson, self._sound = None, None, None

    def _ping(self) -> None:
        if self.connected:
            self.say(m.Ping())

    # --- what it is told ----------------------------------------------------------------------

    def received(self, number: int, item: object) -> None:
        if self.link is None or self.link.number != number:
            return
        self._heard_at = self.server.clock.now
        match item:
            case CloseCode():
                self.closed_with.append(item)
                self._drop()
            case m.Welcome():
                self.resume, self.device_id = item.resume, item.device_id
                self.lesson = item.lesson
                self.seats = {seat.seat_id: seat for seat in item.seats}
                self.back_at.append(self.server.clock.now)
                if self.sources:
                    self.say(
                        m.Publish(
                            sdp=offer_of(*self.sources),
                            sources={source.value: source for source in self.sources},
                        )
                    )
                self._subscribe_soon()
            case m.Published():
                self._sound = item.producers.get("room")
            case m.SubscribeOffer():
                self.server.clock.after(0.05, lambda: self.say(m.SubscribeAnswer(sdp="v=0")))
            case m.SeatChanged():
                self.seats[item.seat.seat_id] = item.seat
                self._subscribe_soon()
            case m.SeatRemoved():
                self.seats.pop(item.seat_id, None)
            case m.LessonChanged():
                self.lesson = item.lesson
            case m.StreamChanged():
                self.streams.append(item)
            case m.Refused():
                self.refusals.append(item.code)
            case m.LessonEnded():
                self.ended = True

    def _subscribe_soon(self) -> None:
        if not self._subscribing:
            self._subscribing = True
            self.server.clock.after(0.1, self._subscribe)

    def _subscribe(self) -> None:
        self._subscribing = False
        wants = [
            m.Want(
                producer_id=source.producer_id,
                width=0 if source.kind == "audio" else 1280 if seat.role == "lead" else 320,
                height=0 if source.kind == "audio" else 720 if seat.role == "lead" else 180,
            )
            for seat in self.seats.values()
            if seat.seat_id != self.seat
            for source in seat.sources
        ]
        self.say(m.Subscribe(wants=wants))

    # --- sound --------------------------------------------------------------------------------

    def _talk(self) -> None:
        sound = self._sound
        if sound is not None and not self.ended:
            levels = self._microphone()
            self.up.send(120, lambda: self.server.packet(sound, levels))

    def _microphone(self) -> Sequence[float]:
        """Its people and its loudspeaker, since the last packet."""
        if self.voice is None:
            return ()
        levels = []
        first = round((self.server.clock.now - PACKET_S) / SPOKEN_S)
        for at in range(first, first + round(PACKET_S / SPOKEN_S)):
            self._tail = max(self._tail - TAIL_DB, self._played.pop(at, NOBODY))
            levels.append(max(self.voice(at * SPOKEN_S), self._tail + self.echo_db, ROOM_NOISE))
        return levels

    def hear(self, seat: str, levels: Sequence[float] = ()) -> None:
        """A packet of another seat's sound has arrived."""
        self.ears[seat] += 1
        if self.voice is not None:
            first = round((self.server.clock.now + PLAYOUT_S) / SPOKEN_S)
            for at, dbov in enumerate(levels, first):
                self._played[at] = max(dbov, self._played.get(at, NOBODY))
