"""What devices receive: wants, and the negotiation that follows from them.

The server offers. At most one offer is out per device; what is asked for meanwhile waits for the
answer (`rules.SUBSCRIBE_TRANSITIONS`). A WHEP player is the exception: it offers itself, once.
"""

from __future__ import annotations

from mixer.model import Kind, Want
from signaling.errors import LessonRefusal
from signaling.lesson.effects import MediaAnswer, MediaCloseDevice, MediaPlay, MediaSubscribe
from signaling.lesson.events import (
    AnswerAccepted,
    MediaFailed,
    PlayAnswered,
    PlayRequested,
    SubscribeOffered,
)
from signaling.lesson.record import (
    Device,
    LessonRecord,
    LessonStream,
    Played,
    Producer,
    Seat,
)
from signaling.lesson.rules import SUBSCRIBE_TRANSITIONS, SubscribePhase
from signaling.protocol import messages as m
from signaling.protocol.messages import LessonSource, ProgramStanding, Role, Source
from signaling.protocol.refusals import refused

# A browser answers an offer in well under a second; after this long the answer (or the offer) was
# lost with a connection, and the next offer starts anew.
ANSWER_TIMEOUT_S = 15.0

# A compositor starts in a second or two, on a busy machine in several; a player over HTTP waits for
# its answer for fifteen seconds.
PROGRAM_TIMEOUT_S = 12.0
# Where a program stands of which streams are to come.
_TO_COME = frozenset({ProgramStanding.IDLE, ProgramStanding.STARTING, ProgramStanding.RUNNING})


class Subscribing:
    """Changes the wants and negotiations of a record."""

    def __init__(self, record: LessonRecord) -> None:
        self._record = record

    def subscribe(self, device: Device, message: m.Subscribe, _now: float) -> None:
        """All that this device wants now; unknown streams are refused, vanished ones left out."""
        record = self._record
        wants: dict[str, Want] = {}
        for want in message.wants:
            found = record.find_producer(want.producer_id)
            if found is not None and found[0].seat_id == device.seat_id:
                raise LessonRefusal("own-producer")
            if found is not None or want.producer_id in record.streams:
                size = self._shown_size(device, want)
                wants[want.producer_id] = Want(want.producer_id, *size, want.priority)
            elif want.producer_id not in record.gone_producers:
                raise LessonRefusal("unknown-producer")
        device.wants = tuple(wants.values())
        self._ask(device, message.request_id)

    def _shown_size(self, device: Device, want: m.Want) -> tuple[int, int]:
        """What is wanted, but no larger than this seat's machine shows well."""
        most = self._record.seats[device.seat_id].profile.largest_shown
        if not most or want.height <= most:
            return want.width, want.height
        return want.width * most // want.height, most

    def restart_subscribe(self, device: Device, message: m.RestartSubscribe, _now: float) -> None:
        """The device's subscribe connection has failed: an offer with fresh credentials."""
        device.subscribe_restart = True
        if device.subscribe is SubscribePhase.OFFERED:
            _move(device, "failed")
        self._ask(device, message.request_id)

    def _ask(self, device: Device, request_id: str | None) -> None:
        """Ask the media core for an offer now, or after the answer that is owed."""
        if device.subscribe is not SubscribePhase.IDLE:
            self._record.done(device.connection, device.subscribe_request)
            device.subscribe_again, device.subscribe_request = True, request_id
            return
        device.media = True
        _move(device, "subscribe")
        self._record.emit(
            MediaSubscribe(device.device_id, device.wants, device.subscribe_restart, request_id)
        )
        device.subscribe_again, device.subscribe_restart = False, False
        device.subscribe_request = None

    def _ask_again_if_due(self, device: Device) -> None:
        if device.subscribe_again:
            self._ask(device, device.subscribe_request)

    def subscribe_offered(self, event: SubscribeOffered, now: float) -> None:
        """Hand the media core's offer on to the device."""
        device = self._record.devices.get(event.device_id)
        if device is None or device.subscribe is not SubscribePhase.ASKED:
            return
        if event.offer is None:
            _move(device, "nothing-to-offer")
            self._record.done(device.connection, event.request_id)
            self._ask_again_if_due(device)
            return
        _move(device, "offer")
        device.offered_at = now
        self._record.reply(
            device.connection,
            m.SubscribeOffer(
                request_id=event.request_id,
                sdp=event.offer.sdp,
                consumers={c.mid: c.producer_id for c in event.offer.consumers},
            ),
        )

    def answer(self, device: Device, message: m.SubscribeAnswer, _now: float) -> None:
        """Hand the device's answer on to the media core."""
        if device.subscribe is not SubscribePhase.OFFERED:
            raise LessonRefusal("no-offer")
        self._record.emit(MediaAnswer(device.device_id, message.sdp, message.request_id))

    def answer_accepted(self, event: AnswerAccepted) -> None:
        """The negotiation is done; what was asked for meanwhile comes next."""
        device = self._record.devices.get(event.device_id)
        if device is None or device.subscribe is not SubscribePhase.OFFERED:
            return
        _move(device, "answered")
        self._record.done(device.connection, event.request_id)
        self._ask_again_if_due(device)

    def media_failed(self, event: MediaFailed) -> None:
        """The media core refused: the device is told, and a negotiation starts anew next time."""
        device = self._record.devices.get(event.device_id)
        if device is None:
            return
        if event.call in ("subscribe", "answer") and device.subscribe is not SubscribePhase.IDLE:
            _move(device, "failed")
            device.subscribe_restart = True
        self._record.reply(device.connection, refused(event.code, event.request_id))
        self._ask_again_if_due(device)

    def resumed(self, device: Device) -> None:
        """The device is back with its peer connections; an offer may be lost with the cut."""
        if device.subscribe is SubscribePhase.OFFERED:
            _move(device, "failed")
            device.subscribe_restart = True
            self._ask(device, None)

    def connection_closed(self, device: Device) -> None:
        """The media core gave the connection up: an offer that was out is void."""
        if device.subscribe is SubscribePhase.OFFERED:
            _move(device, "failed")
        self._ask_again_if_due(device)

    def reset(self, device: Device) -> None:
        """The device negotiates anew, from nothing."""
        device.wants = ()
        device.subscribe = SubscribePhase.IDLE
        device.subscribe_again, device.subscribe_restart = False, False
        device.subscribe_request = None

    # --- WHEP ---------------------------------------------------------------------------------

    def play(self, device: Device, event: PlayRequested, now: float) -> None:
        """One seat's picture and sound, or the lesson's own, for a player that offers itself.

        A program that is not made yet is made for it; the answer waits until it is there.
        """
        plays: Played
        if isinstance(event.source, LessonSource):
            plays = (None, event.source)
        else:
            plays = (self._seat_to_play(event.seat_id).seat_id, event.source)
        wants = self._wants_of_player(plays)
        if plays[0] == device.seat_id:
            raise LessonRefusal("nothing-to-play")
        if not wants and plays[0] is None and self._record.program in _TO_COME:
            device.plays, device.play_waits, device.play_asked_at = plays, event, now
            return
        if not wants:
            raise LessonRefusal("nothing-to-play")
        self._begin_to_play(device, event, plays, wants)

    def _begin_to_play(
        self, device: Device, event: PlayRequested, plays: Played, wants: tuple[Want, ...]
    ) -> None:
        device.media = True
        device.plays, device.wants, device.play_waits = plays, wants, None
        self._record.emit(MediaPlay(device.device_id, event.sdp, wants, event.request_id))

    def _wait_on(self, device: Device, event: PlayRequested) -> None:
        """What was waited for has come, or will not."""
        assert device.plays is not None  # it waits to play them
        wants = self._wants_of_player(device.plays)
        if wants:
            self._begin_to_play(device, event, device.plays, wants)
        elif self._record.program not in _TO_COME:
            self._give_up_playing(device, event)

    def _give_up_playing(self, device: Device, event: PlayRequested) -> None:
        device.plays = device.play_waits = None
        code = "program-full" if self._record.program is ProgramStanding.FULL else "no-program"
        self._record.reply(device.connection, refused(code, event.request_id))

    def _wants_of_player(self, plays: Played) -> tuple[Want, ...]:
        seat_id, source = plays
        flowing: list[Producer | LessonStream]
        if seat_id is None:
            flowing = self._own_streams(source)
        else:
            devices = self._record.devices_of(seat_id)
            flowing = [producer for one in devices for producer in one.producers.values()]
        # The teacher's picture, then the pupils', …
        best_first: list[Source | LessonSource] = [*Source, *LessonSource]
        pictures = sorted(
            (p for p in flowing if p.kind is Kind.VIDEO and source in (None, p.source)),
            key=lambda producer: best_first.index(producer.source),
        )
        sounds = [p for p in flowing if p.kind is Kind.AUDIO]
        # Full size: who asks for one picture alone wants to see it.
        return tuple(
            [Want(p.producer_id, 1920, 1080) for p in pictures[:1]]
            + [Want(p.producer_id) for p in sounds]
        )

    def _own_streams(self, source: Source | LessonSource | None) -> list[Producer | LessonStream]:
        """The lesson's own for everybody, once what was asked for is among them."""
        streams = [one for one in self._record.streams.values() if one.seat_id is None]
        return list(streams) if any(one.source == source for one in streams) else []

    def follow_players(self) -> None:
        """Players get what their seat sends now: it may have come back under new producers.

        Their m-lines are theirs and stay; the media core puts the new streams on the free ones.
        """
        for device in self._record.devices.values():
            if device.play_waits is not None:
                self._wait_on(device, device.play_waits)
                continue
            if device.plays is None or device.subscribe is not SubscribePhase.IDLE:
                continue
            wants = self._wants_of_player(device.plays)
            if wants and wants != device.wants:
                device.wants = wants
                self._ask(device, None)

    def _seat_to_play(self, seat_id: str | None) -> Seat:
        for seat in self._record.seats.values():
            if seat.seat_id == seat_id or (seat_id is None and seat.role is Role.LEAD):
                return seat
        raise LessonRefusal("unknown-seat")

    def play_answered(self, event: PlayAnswered) -> None:
        """Hand the answer on to the player."""
        device = self._record.devices.get(event.device_id)
        if device is None:
            self._record.emit(MediaCloseDevice(event.device_id))
            return
        self._record.reply(
            device.connection,
            m.Published(request_id=event.request_id, sdp=event.sdp, producers={}),
        )

    # --- timers -------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When the first owed answer is overdue, or who waits to play has waited long enough."""
        devices = self._record.devices.values()
        owed = [
            device.offered_at + ANSWER_TIMEOUT_S
            for device in devices
            if device.subscribe is SubscribePhase.OFFERED
        ]
        waiting = [
            device.play_asked_at + PROGRAM_TIMEOUT_S
            for device in devices
            if device.play_waits is not None
        ]
        return min(owed + waiting, default=None)

    def handle_timer(self, now: float) -> None:
        """Give up waiting for answers that are overdue."""
        for device in self._record.devices.values():
            overdue = device.offered_at + ANSWER_TIMEOUT_S <= now
            if device.subscribe is SubscribePhase.OFFERED and overdue:
                _move(device, "timed-out")
                device.subscribe_restart = True
                self._ask_again_if_due(device)
            if device.play_waits is not None and device.play_asked_at + PROGRAM_TIMEOUT_S <= now:
                self._give_up_playing(device, device.play_waits)


def _move(device: Device, trigger: str) -> None:
    """One step of `SUBSCRIBE_TRANSITIONS`."""
    device.subscribe = SUBSCRIBE_TRANSITIONS[device.subscribe, trigger]
