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
from signaling.protocol.messages import LessonSource, Role, Source
from signaling.protocol.refusals import refused

# A browser answers an offer in well under a second; after this long the answer (or the offer) was
# lost with a connection, and the next offer starts anew.
ANSWER_TIMEOUT_S = 15.0


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
                wants[want.producer_id] = Want(
                    want.producer_id, want.width, want.height, want.priority
                )
            elif want.producer_id not in record.gone_producers:
                raise LessonRefusal("unknown-producer")
        device.wants = tuple(wants.values())
        self._ask(device, message.request_id)

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

    def play(self, device: Device, event: PlayRequested) -> None:
        """One seat's picture and sound, or the lesson's own, for a player that offers itself."""
        plays: Played
        if isinstance(event.source, LessonSource):
            plays = (None, event.source)
        else:
            plays = (self._seat_to_play(event.seat_id).seat_id, event.source)
        wants = self._wants_of_player(plays)
        if plays[0] == device.seat_id or not wants:
            raise LessonRefusal("nothing-to-play")
        device.media = True
        device.plays, device.wants = plays, wants
        self._record.emit(MediaPlay(device.device_id, event.sdp, wants, event.request_id))

    def _wants_of_player(self, plays: Played) -> tuple[Want, ...]:
        seat_id, source = plays
        flowing: list[Producer | LessonStream]
        if seat_id is None:
            flowing = list(self._record.streams.values())
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

    def follow_players(self) -> None:
        """Players get what their seat sends now: it may have come back under new producers.

        Their m-lines are theirs and stay; the media core puts the new streams on the free ones.
        """
        for device in self._record.devices.values():
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
        """When the first owed answer is overdue."""
        return min(
            (
                device.offered_at + ANSWER_TIMEOUT_S
                for device in self._record.devices.values()
                if device.subscribe is SubscribePhase.OFFERED
            ),
            default=None,
        )

    def handle_timer(self, now: float) -> None:
        """Give up waiting for answers that are overdue."""
        for device in self._record.devices.values():
            overdue = device.offered_at + ANSWER_TIMEOUT_S <= now
            if device.subscribe is SubscribePhase.OFFERED and overdue:
                _move(device, "timed-out")
                device.subscribe_restart = True
                self._ask_again_if_due(device)


def _move(device: Device, trigger: str) -> None:
    """One step of `SUBSCRIBE_TRANSITIONS`."""
    device.subscribe = SUBSCRIBE_TRANSITIONS[device.subscribe, trigger]
