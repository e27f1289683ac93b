"""One simulated seat: a device of the lesson protocol's client that draws, talks, raises hands.

Owns what it sends, wants and does. Its life (joining, coming back) is `signaling.client.device`'s;
the parts are elsewhere: `sending` and `watch` (media), `behaviour` (what pupils do).
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from aiortc import MediaStreamTrack

from server.errors import Text
from server.simulate.behaviour import Behaviour
from server.simulate.figures import SeatFigures
from server.simulate.sending import SimulatedSending, Studio, choose_pictures
from server.simulate.settings import Receive, SeatSettings
from server.simulate.watch import StreamSeen, watch_picture, watch_sound
from signaling.client.address import ServerAddress
from signaling.client.device import ClientDevice, Phase
from signaling.client.receiving import Receiving
from signaling.client.sentences import Say, Sentence
from signaling.client.token_providers import TokenProvider
from signaling.protocol.messages import (
    ClientMessage,
    DeviceKind,
    LessonState,
    SeatState,
    SourceState,
    Want,
    Welcome,
)

# The tile a room page shows of another room: the server picks the layer by it.
_TILE = (320, 180)


class SimulatedSeat:
    """`await run()` it; cancel it to make the seat leave. `phase`, `seen` and `joins` tell.

    `device` is its life on the line.
    """

    def __init__(
        self,
        server: ServerAddress,
        token_provider: TokenProvider,
        settings: SeatSettings,
        *,
        rng: random.Random,
        say: Say,
    ) -> None:
        self.settings = settings
        self.seen: dict[str, StreamSeen] = {}
        self.figures = SeatFigures()
        self._joined_at: float | None = None
        self._rng = rng
        self._studio: Studio | None = None
        self.device = ClientDevice(
            server,
            token_provider,
            DeviceKind.SIMULATED,
            self._joined,
            name=f"#{settings.appearance.identity}",
            rng=rng,
            say=say,
        )

    @property
    def phase(self) -> Phase:
        """Where it stands in its life."""
        return self.device.phase

    @property
    def seat_id(self) -> str:
        """Its seat in the lesson; "" before it has joined one."""
        return self.device.seat_id

    @property
    def name(self) -> str:
        """Its seat's name; a number before it has joined."""
        return self.device.name

    @property
    def joins(self) -> int:
        """How often it has joined."""
        return self.device.joins

    async def measure(self) -> None:
        """Bring `figures.total` up to now."""
        began = self._joined_at
        await self.figures.read(
            seconds=0.0 if began is None else time.monotonic() - began,
            received_pictures=sum(seen.frames for seen in self.seen.values()),
        )

    def faults(self) -> list[Text]:
        """What went wrong so far, in words; empty when all was as it should be."""
        found, total, device = [], self.figures.total, self.device
        if not self.joins:
            trouble = device.trouble or Sentence("没有它的课", "it has no lesson")
            found.append(Text(f"始终没有进入课堂：{trouble.zh}", f"never joined: {trouble.en}"))
        elif self.figures.has_something_to_send and not total.sent_packets:
            why = self._why_silent()
            found.append(Text(f"什么也没有发送：{why.zh}", f"sent nothing: {why.en}"))
        if device.lost_by is not None:
            found.append(
                Text(
                    f"线路断开 {device.losses} 次：{device.lost_by.zh}",
                    f"lost its line {device.losses} times: {device.lost_by.en}",
                )
            )
        if any(seen.backwards for seen in self.seen.values()):
            found.append(Text("画面的顺序乱了", "pictures came out of order"))
        return found

    def _why_silent(self) -> Text:
        if self.device.lost_by is not None:
            return Text(*self.device.lost_by)
        if self.figures.opened_any:
            return Text(
                "音视频还没有连上，或另一台设备在代替它发送",
                "its media was not connected yet, or another device has its seat",
            )
        return Text(
            "这段时间里画面还没有画好：本机太忙，或 --duration 太短",
            "its pictures were not drawn in this time: this machine is busy, or --duration short",
        )

    async def run(self) -> None:
        """Until the lesson is over (with a credential: for good).

        Raises `SeatRefused` when the server will not have this seat.
        """
        await self.device.run()

    def _joined(self, welcome: Welcome, own: SeatState) -> _Pupils:
        if self._joined_at is None:
            self._joined_at = time.monotonic()
        mind = Behaviour(welcome.seat_id, welcome.role, self.settings.habits, self._rng)
        studio = self._studio_of(own)
        return _Pupils(welcome, self.settings, mind, studio, self.seen, self.figures)

    def _studio_of(self, own: SeatState) -> Studio:
        """The seat's pictures and voice, kept over reconnections."""
        if self._studio is None or (self._studio.name, self._studio.school) != (
            own.name,
            own.school,
        ):
            self._studio = Studio(own.name, own.school, self.settings.appearance)
        return self._studio


class _Pupils:
    """A simulated seat in a lesson it has joined (`signaling.client.attendance.Participant`)."""

    def __init__(  # noqa: PLR0917 - one place makes it
        self,
        welcome: Welcome,
        settings: SeatSettings,
        mind: Behaviour,
        studio: Studio,
        seen: dict[str, StreamSeen],
        figures: SeatFigures,
    ) -> None:
        self._welcome = welcome
        self._settings = settings
        self._mind = mind
        self._studio = studio
        self._seen = seen
        self._figures = figures
        self._carries_sound = self._speaks = welcome.carries_sound

    def lesson_is(self, lesson: LessonState) -> None:
        self._mind.lesson_is(lesson)

    def seat_is(self, seat: SeatState) -> None:
        if seat.seat_id == self._welcome.seat_id and seat.sound_device is not None:
            self._carries_sound = seat.sound_device == self._welcome.device_id
        self._mind.seat_is(seat)

    def seat_is_gone(self, seat_id: str) -> None:
        self._mind.seat_is_gone(seat_id)

    def sends_anew(self) -> bool:
        """The room's sound has gone to another of its devices, or has come here."""
        return self._carries_sound is not self._speaks

    def wish(self, now: float) -> ClientMessage | None:
        return self._mind.wishes(now)

    def wants(self, seats: Mapping[str, SeatState]) -> list[Want]:
        return wants(seats, self._welcome.seat_id, self._settings.receive)

    def receiving(self) -> Receiving:
        receiving = Receiving(self._watch)
        self._figures.opened(receiving)
        return receiving

    async def sending(self) -> SimulatedSending | None:
        profile = self._welcome.profile
        sent = choose_pictures(profile, self._settings.appearance)
        speaks = self._speaks = self._carries_sound
        if not sent and not speaks:
            return None
        self._figures.has_something_to_send = True  # before it is drawn: that may take too long
        sound = await self._studio.sound() if speaks else None
        pictures = [(one, await self._studio.pictures(one)) for one in sent]
        # From here on nothing waits: what is made is handed over.
        sending = SimulatedSending(self._studio.clock)
        self._figures.opened(sending)
        if sound is not None:
            sending.add_microphone(sound, self._talks)
        for one, seen in pictures:
            sending.add_picture(one, seen, lambda: self._mind.hand_is_up)
        return sending

    def _talks(self) -> bool:
        return self._mind.talks(time.time())

    async def _watch(self, seat: SeatState, source: SourceState, track: MediaStreamTrack) -> None:
        seen = self._seen.setdefault(
            source.producer_id, StreamSeen(seat_id=seat.seat_id, source=source.source.value)
        )
        if track.kind == "audio":
            await watch_sound(track, seen)
        else:
            await watch_picture(track, seen, self._settings.appearance.max_frame_rate)


def wants(seats: Mapping[str, SeatState], own_seat: str, receive: Receive) -> list[Want]:
    """What to subscribe to, of all other seats' sources, in a fixed order."""
    if receive is Receive.NOTHING:
        return []
    wanted = []
    for seat_id in sorted(seats):
        for source in seats[seat_id].sources if seat_id != own_seat else []:
            if source.kind == "audio":
                wanted.append(Want(producer_id=source.producer_id, priority=2))
            elif receive is Receive.ALL:
                width, height = _TILE
                wanted.append(Want(producer_id=source.producer_id, width=width, height=height))
    return wanted
