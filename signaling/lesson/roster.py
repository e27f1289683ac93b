"""Who is here: devices joining, lost, coming back, leaving; whose device carries the sound.

A seat outlives its devices. A lost connection keeps its seat, hand, floor, mutes and spotlight for
`away_grace_s`; the resume key brings the same device back at once, even while its dead socket still
looks alive. When a seat's last device goes for good, its hand goes down and the floor comes back.

Who leads sits at one computer: the browser they enter from takes the place of the one they were in,
which is told so, and which does not take it back by itself: only a hand's `takes_lead` does.
"""

from __future__ import annotations

import hashlib

from signaling.errors import LessonRefusal
from signaling.lesson import rules
from signaling.lesson.effects import MediaCloseDevice
from signaling.lesson.events import ConnectionLost, JoinRequested
from signaling.lesson.publishing import Publishing
from signaling.lesson.record import Device, LessonRecord, Seat
from signaling.lesson.rules import DEVICE_TRANSITIONS, LESSON_TRANSITIONS, DevicePhase, LivePhase
from signaling.lesson.subscribing import Subscribing
from signaling.log import entries as log
from signaling.ports import Identity
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, DeviceKind, Role, Source, VideoCodec

# A WHIP or WHEP device that has not connected its media by then never will: ICE gives up within
# 30 s (RFC 8445 §14 leaves the number to us; browsers use 15–30 s).
HTTP_DEVICE_SETUP_S = 30.0
_NO_PROFILE = m.SendProfile(name="none", sources=[])

# They open cameras of their own; what a network camera gives is sent by the room's agent.
_BROWSERS = frozenset({DeviceKind.BROWSER, DeviceKind.ROOM_PC, DeviceKind.TABLET})


class Roster:
    """Changes seats and devices of a record."""

    def __init__(
        self, record: LessonRecord, publishing: Publishing, subscribing: Subscribing
    ) -> None:
        self._record = record
        self._publishing = publishing
        self._subscribing = subscribing

    # --- coming in ----------------------------------------------------------------------------

    def join(self, event: JoinRequested, now: float) -> None:
        """Let a connection in, as a new device or as one that is back; raises `LessonRefusal`."""
        record = self._record
        if record.phase is LivePhase.ENDED:
            raise LessonRefusal("lesson-ended")
        if event.join.protocol != m.PROTOCOL_VERSION:
            raise LessonRefusal("wrong-protocol")
        device = self._find_by_key(event)
        self._refuse_second_lead(event, device)
        kept = False
        if device is not None:
            kept = self._resume(device, event, now)
        elif event.identity is None:
            raise LessonRefusal("token-expired")
        else:
            device = self._add_device(event, event.identity, now)
        self._learn_codecs(device, event)
        device.entered = event.join.enters
        device.offers_sound = event.offers_sound
        device.claims_sound = event.join.claims_sound
        device.plays_sound = event.join.plays_sound
        self._take_lead(device, now)
        self._sound_to_whose_it_is(record.seats[device.seat_id], now)
        record.keep()
        self.settle(now)
        record.flush(now, newcomer=event.connection)
        record.reply(event.connection, self._welcome(device, event, now, kept=kept))
        for producer in device.producers.values():  # what was said during the cut was not heard
            self._publishing.tell_layers(device, producer)

    def enter(self, device: Device, now: float) -> None:
        """A device that only looked takes part from now on."""
        device.entered = True
        self._record.keep()
        self._take_lead(device, now)
        self._sound_to_whose_it_is(self._record.seats[device.seat_id], now)
        self.settle(now)

    def offer_sound(self, device: Device, message: m.OfferSound, now: float) -> None:
        """Its microphone is lost or there again."""
        if device.offers_sound is message.offers:
            return
        device.offers_sound = message.offers
        seat = self._record.seats[device.seat_id]
        if message.offers and seat.sound_device is None:
            self._move_sound(seat, now)
        self._sound_to_whose_it_is(seat, now)
        self._record.keep()
        self.settle(now)

    def _take_lead(self, device: Device, now: float) -> None:
        """Whatever else the same person leads with, or led with, is replaced by this device."""
        if not device.entered:
            return
        for other in self._browsers_leading(device.seat_id, device.bearer.bearer_id):
            if device.kind is DeviceKind.BROWSER and other is not device and other.entered:
                self._forget(other, now, "replaced", seat_stays=True, close_code=CloseCode.REPLACED)

    def _refuse_second_lead(self, event: JoinRequested, device: Device | None) -> None:
        """Who leads from another device goes on there, unless their hand takes the place.

        A browser comes back by itself, too: from a lost line, at a reload, where one left for a
        while. One whose key is no longer known was replaced, perhaps by a device that is away for
        the moment; without a key it may be that very one (`_replace_twin`).
        """
        join = event.join
        if join.takes_lead or not join.enters or join.device is not DeviceKind.BROWSER:
            return
        if device is not None:
            seat_id, bearer_id = device.seat_id, device.bearer.bearer_id
        elif event.identity is not None:
            seat_id, bearer_id = event.identity.seat_id, event.identity.bearer.bearer_id
        else:
            return
        for other in self._browsers_leading(seat_id, bearer_id):
            stays = other.phase is DevicePhase.CONNECTED or join.resume is not None
            if other is not device and other.entered and stays:
                raise LessonRefusal("leads-elsewhere")

    def _browsers_leading(self, seat_id: str, bearer_id: str) -> list[Device]:
        """With which this person sits at the lead's seat; none at any other seat."""
        seat = self._record.seats.get(seat_id)
        if seat is None or seat.role is not Role.LEAD:
            return []
        return [
            device
            for device in self._record.devices_of(seat_id)
            if device.kind is DeviceKind.BROWSER and device.bearer.bearer_id == bearer_id
        ]

    def _learn_codecs(self, device: Device, event: JoinRequested) -> None:
        """What this device cannot show is sent no more, unless it only observes."""
        record = self._record
        observes = record.seats[device.seat_id].role is Role.OBSERVER
        if not observes and VideoCodec.H264 not in event.join.shows:
            record.video_codec = VideoCodec.VP8

    def _find_by_key(self, event: JoinRequested) -> Device | None:
        if event.join.resume is None:
            return None
        wanted = hash_key(event.join.resume)
        for device in self._record.devices.values():
            if device.resume_hash == wanted and _is_of(device, event.identity):
                return device
        return None

    def _resume(self, device: Device, event: JoinRequested, now: float) -> bool:
        """Bind a known device to its new connection; whether its media goes on."""
        record = self._record
        was_present = record.is_present(device.seat_id)
        if device.connection is not None:
            record.close(device.connection, CloseCode.REPLACED)
        self._bind(device, event.connection)
        move(device, "resumed")
        if not was_present:
            record.write(log.SeatReturned(at=now, seat_id=device.seat_id))
        if event.join.keep_media and device.media:
            self._subscribing.resumed(device)
            return True
        self._publishing.drop_producers(device, now)
        if device.media:
            record.emit(MediaCloseDevice(device.device_id))
        device.media = False
        self._subscribing.reset(device)
        device.link.reset()
        return False

    def _add_device(self, event: JoinRequested, identity: Identity, now: float) -> Device:
        record = self._record
        if identity.bearer.bearer_id in record.barred:
            raise LessonRefusal(record.barred[identity.bearer.bearer_id].code)
        seat = self._seat_for(identity)
        self._replace_twin(seat, event, now)
        if len(record.devices_of(seat.seat_id)) >= record.settings.devices_per_seat:
            raise LessonRefusal("seat-full")
        record.seats[seat.seat_id] = seat
        device = Device(
            device_id=event.device_id,
            seat_id=seat.seat_id,
            kind=event.join.device,
            resume_hash=hash_key(event.resume),
            bearer=identity.bearer,
            over_http=event.over_http,
            offers_sound=event.offers_sound,
            entered=event.join.enters,
            joined_at=now,
        )
        if not record.devices_of(seat.seat_id):
            record.write(
                log.SeatJoined(
                    at=now,
                    seat_id=seat.seat_id,
                    role=seat.role,
                    name=seat.name,
                    school=seat.school,
                )
            )
        seat.was_here = True
        record.devices[device.device_id] = device
        self._bind(device, event.connection)
        record.write(
            log.DeviceJoined(
                at=now,
                seat_id=seat.seat_id,
                device_id=device.device_id,
                device=device.kind,
            )
        )
        if seat.sound_device is None and self._can_carry_sound(device):
            seat.sound_device = device.device_id
        return device

    def _seat_for(self, identity: Identity) -> Seat:
        """The seat a newcomer may take (not yet part of the lesson if it is an observer's)."""
        record = self._record
        seat = record.seats.get(identity.seat_id)
        if seat is None and identity.role not in (Role.OBSERVER, Role.ASSISTANT):
            raise LessonRefusal("no-such-seat")
        if seat is not None and seat.role is not identity.role:
            raise LessonRefusal("no-such-seat")
        newcomer = seat is None or not seat.was_here
        if record.locked and newcomer and identity.role is not Role.LEAD:
            raise LessonRefusal("lesson-locked")
        if seat is not None:
            return seat
        guests = sum(not other.planned for other in record.seats.values())
        if guests >= record.settings.guests_per_lesson:
            raise LessonRefusal("lesson-full")
        return Seat(identity.seat_id, identity.role, identity.name, "", _NO_PROFILE, False)

    def _replace_twin(self, seat: Seat, event: JoinRequested, now: float) -> None:
        """An away device of this seat is taken to be this one, back without its key.

        So a room PC that was reset does not find its sound given to its own ghost. It must be of
        the same kind; a lost encoder may be heard again any moment, so it makes room only when its
        sound is wanted by another that came by HTTP. Who only looks takes the place of none that
        takes part, and whose line may be back in a moment.
        """
        for device in self._record.devices_of(seat.seat_id):
            if device.phase is not DevicePhase.AWAY or device.kind is not event.join.device:
                continue
            if device.entered and not event.join.enters:
                continue
            holds_sound = seat.sound_device == device.device_id
            if not device.over_http or (event.over_http and event.offers_sound and holds_sound):
                self._forget(device, now, "replaced", seat_stays=True)

    def _bind(self, device: Device, connection: int) -> None:
        device.connection = connection
        self._record.connections[connection] = device.device_id

    def _welcome(
        self, device: Device, event: JoinRequested, now: float, *, kept: bool
    ) -> m.Welcome:
        record = self._record
        seat = record.seats[device.seat_id]
        carries_sound = seat.sound_device == device.device_id
        sources = [
            source
            for source in seat.profile.sources
            if (source.source is not Source.ROOM or carries_sound)
            and not (source.from_network and device.kind in _BROWSERS)
        ]
        return m.Welcome(
            request_id=event.join.request_id,
            seat_id=seat.seat_id,
            role=seat.role,
            device_id=device.device_id,
            resume=self._key_of(device, event),
            carries_sound=carries_sound,
            media_kept=kept,
            profile=seat.profile.model_copy(update={"sources": sources}),
            ice_servers=list(record.settings.ice_servers_for(device.device_id, now)),
            lesson=record.lesson_view(),
            seats=[record.seat_view(other) for other in record.seats.values()],
            chat=list(record.chat),
            server_time=now,
        )

    @staticmethod
    def _key_of(device: Device, event: JoinRequested) -> str:
        """The device's resume key: only its hash is kept, so it is taken from the event."""
        given = event.join.resume
        return given if given and hash_key(given) == device.resume_hash else event.resume

    # --- going away ---------------------------------------------------------------------------

    def connection_lost(self, event: ConnectionLost, now: float) -> None:
        """A connection is gone: its device is away until it resumes or its grace is over.

        The session of a WHIP or WHEP device cannot be taken up again: it leaves.
        """
        device_id = self._record.connections.pop(event.connection, None)
        if device_id is None:
            return
        device = self._record.devices[device_id]
        device.connection = None
        if device.over_http:
            self.leave(device, now, "left")
        else:
            self.lose(device, now)

    def lose(self, device: Device, now: float) -> None:
        """The device cannot be reached for the moment."""
        record = self._record
        if device.phase is not DevicePhase.CONNECTED:
            return
        move(device, "connection-lost")
        device.away_since = now
        record.keep()
        if not record.is_present(device.seat_id):
            record.write(log.SeatLost(at=now, seat_id=device.seat_id))
        elif device.kind is DeviceKind.ROOM_PC:
            self._hand_over_to_twin(device, now)
        self.settle(now)

    def found(self, device: Device, now: float) -> None:
        """A WHIP or WHEP device's media is heard again."""
        if device.phase is DevicePhase.AWAY and device.over_http:
            if not self._record.is_present(device.seat_id):
                self._record.write(log.SeatReturned(at=now, seat_id=device.seat_id))
            move(device, "resumed")
            self._record.keep()
            self.settle(now)

    def _hand_over_to_twin(self, device: Device, now: float) -> None:
        """A room has one PC: a later one that is here already is the same, started again."""
        for twin in self._record.devices_of(device.seat_id):
            if twin.kind is DeviceKind.ROOM_PC and twin.phase is DevicePhase.CONNECTED:
                self._forget(device, now, "replaced", seat_stays=True)
                return

    def leave(
        self, device: Device, now: float, reason: str, *, close_code: CloseCode = CloseCode.LEFT
    ) -> None:
        """The device goes for good, and so does its connection."""
        self._forget(device, now, reason, close_code=close_code)
        self.settle(now)

    def _forget(
        self,
        device: Device,
        now: float,
        reason: str,
        *,
        seat_stays: bool = False,
        close_code: CloseCode = CloseCode.LEFT,
    ) -> None:
        """Take a device out of the record. `seat_stays`: another takes its place right now."""
        record = self._record
        seat = record.seats[device.seat_id]
        if device.connection is not None:
            record.close(device.connection, close_code)
        self._publishing.drop_producers(device, now)
        record.emit(MediaCloseDevice(device.device_id))
        move(device, "grace-over" if device.phase is DevicePhase.AWAY else "left")
        del record.devices[device.device_id]
        record.keep()
        record.write(
            log.DeviceLeft(at=now, seat_id=seat.seat_id, device_id=device.device_id, reason=reason)
        )
        if seat.sound_device == device.device_id:
            self._move_sound(seat, now)
        if not seat_stays and not record.devices_of(seat.seat_id):
            self._empty_seat(seat, now, reason)

    def _move_sound(self, seat: Seat, now: float) -> None:
        """The next device of the seat carries its sound.

        One that takes part before one that only looks, a connected one before an away one, one that
        claims it before others.
        """
        candidates = [d for d in self._record.devices_of(seat.seat_id) if self._can_carry_sound(d)]
        candidates.sort(
            key=lambda d: (
                not d.entered,
                d.phase is not DevicePhase.CONNECTED,
                not d.claims_sound,
            )
        )
        seat.sound_device = candidates[0].device_id if candidates else None
        if seat.sound_device is not None:
            self._record.write(
                log.SoundMoved(at=now, seat_id=seat.seat_id, device_id=seat.sound_device)
            )

    def _sound_to_whose_it_is(self, seat: Seat, now: float) -> None:
        """Who only looks keeps the seat's sound from none that takes part; who claims it, having
        joined later, gets it; who has none to offer any more keeps it only while nobody has.
        """
        holder = self._record.devices.get(seat.sound_device or "")
        if holder is None:
            return
        able = [d for d in self._record.devices_of(seat.seat_id) if self._can_carry_sound(d)]
        others = [d for d in able if d is not holder and d.phase is DevicePhase.CONNECTED]
        if not holder.offers_sound:
            moves = bool(others)
        elif not holder.entered:
            moves = any(d.entered for d in able)
        else:
            moves = not holder.claims_sound and any(d.claims_sound and d.entered for d in others)
        if moves:
            self._publishing.drop_producers(holder, now, sources={Source.ROOM})
            self._move_sound(seat, now)

    def _can_carry_sound(self, device: Device) -> bool:
        role = self._record.seats[device.seat_id].role
        return device.offers_sound and rules.can_sound(self._record.mode, role)

    def _empty_seat(self, seat: Seat, now: float, reason: str) -> None:
        record = self._record
        if record.floor.lower_hand(seat.seat_id):
            record.write(log.HandLowered(at=now, seat_id=seat.seat_id, by=seat.seat_id))
        if record.floor.holder == seat.seat_id:
            record.floor.take()
            record.write(log.FloorTaken(at=now, seat_id=seat.seat_id, by=seat.seat_id))
        if record.spotlight is not None and record.spotlight.seat_id == seat.seat_id:
            record.spotlight = None
            record.write(log.Spotlight(at=now, seat_id=None, source=None, by=seat.seat_id))
        record.write(log.SeatLeft(at=now, seat_id=seat.seat_id, reason=reason))
        if not seat.planned:
            del record.seats[seat.seat_id]

    def rename_lead(self, name: str, now: float) -> None:
        """Another person leads from now on: the lead's seat has their name."""
        for seat in self._record.seats.values():
            if seat.role is Role.LEAD and seat.name != name:
                seat.name = name
                self._record.write(log.LeadRenamed(at=now, seat_id=seat.seat_id, name=name))

    # --- what follows -------------------------------------------------------------------------

    def settle(self, now: float) -> None:
        """The lesson's own phase follows who is here."""
        record = self._record
        if record.phase is LivePhase.ENDED:
            return
        present = {
            record.seats[device.seat_id].role
            for device in record.devices.values()
            if device.phase is DevicePhase.CONNECTED
        }
        led = record.is_led()
        if led and record.phase is LivePhase.WAITING:
            record.phase = LESSON_TRANSITIONS[record.phase, "lead-present"]
            record.write(log.LessonRunning(at=now))
            if not record.begun and record.layout is not m.Layout.SPEAKER:
                # As its room's hardware has it: whoever reads the log alone must know.
                record.write(log.LayoutChosen(at=now, layout=record.layout, by=_lead(record)))
            record.begun = True
        elif not led and record.phase is LivePhase.RUNNING:
            record.phase = LESSON_TRANSITIONS[record.phase, "lead-absent"]
            record.waiting_since = now
            record.write(log.LessonWaiting(at=now))
        if present - {Role.OBSERVER}:
            record.empty_since = None
        elif record.empty_since is None:
            record.empty_since = now

    def next_timer(self) -> float | None:
        """When the next device's time is over."""
        return min((self._deadline(d) for d in self._record.devices.values()), default=None)

    def handle_timer(self, now: float) -> None:
        """Those whose grace is over leave."""
        for device in list(self._record.devices.values()):
            if self._deadline(device) <= now:
                self.leave(device, now, "grace-over")

    def _deadline(self, device: Device) -> float:
        if device.phase is DevicePhase.AWAY:
            return device.away_since + self._record.settings.away_grace_s
        if device.over_http and not device.established:
            return device.joined_at + HTTP_DEVICE_SETUP_S
        return float("inf")


def _is_of(device: Device, identity: Identity | None) -> bool:
    """Whether a device is this bearer's: a PC that two people use keeps one key for both.

    With an expired token (None) there is the key alone.
    """
    if identity is None:
        return True
    return (device.seat_id, device.bearer.bearer_id) == (
        identity.seat_id,
        identity.bearer.bearer_id,
    )


def move(device: Device, trigger: str) -> None:
    """One step of `DEVICE_TRANSITIONS`."""
    device.phase = DEVICE_TRANSITIONS[device.phase, trigger]


def hash_key(resume: str) -> str:
    """What is kept of a resume key: enough to know it again, useless to who reads the database."""
    return hashlib.sha256(resume.encode()).hexdigest()


def _lead(record: LessonRecord) -> str:
    return next(seat.seat_id for seat in record.seats.values() if seat.role is Role.LEAD)
