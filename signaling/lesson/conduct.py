"""What people ask of the lesson: hands, floor, mutes, spotlight, layout, chat, lock, end.

Who may ask is checked before (`rules.PERMISSIONS`); here is what it changes. Asking for what is so
already changes nothing and is no error: two people press the same button, or one twice.
"""

from __future__ import annotations

import unicodedata

from signaling.errors import LessonRefusal
from signaling.lesson import rules
from signaling.lesson.effects import CloseLesson
from signaling.lesson.record import LessonRecord, Seat
from signaling.lesson.rules import LESSON_TRANSITIONS
from signaling.log import entries as log
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode, EndReason, Role, Source

# Nobody looks for two places in a lesson that are nearer to each other.
MARKS_APART_S = 3.0


class Conduct:
    """Changes what the lesson's people have agreed on."""

    def __init__(self, record: LessonRecord) -> None:
        self._record = record

    # --- hands and floor ----------------------------------------------------------------------

    def raise_hand(self, seat: Seat, _message: m.RaiseHand, now: float) -> None:
        """Put the seat at the end of the order."""
        if self._record.floor.raise_hand(seat.seat_id, now):
            self._record.write(log.HandRaised(at=now, seat_id=seat.seat_id))

    def lower_hand(self, seat: Seat, message: m.LowerHand, now: float) -> None:
        """Take one's own hand down, or (lead, assistant) another's."""
        seat_id = message.seat_id or seat.seat_id
        if seat_id != seat.seat_id and not rules.is_staff(seat.role):
            raise LessonRefusal("lead-only")
        self._seat(seat_id)
        if self._record.floor.lower_hand(seat_id):
            self._record.write(log.HandLowered(at=now, seat_id=seat_id, by=seat.seat_id))

    def lower_all_hands(self, seat: Seat, _message: m.LowerAllHands, now: float) -> None:
        """Take every hand down: the round of questions is over."""
        for seat_id in list(self._record.floor.raised):
            self._record.floor.lower_hand(seat_id)
            self._record.write(log.HandLowered(at=now, seat_id=seat_id, by=seat.seat_id))

    def give_floor(self, seat: Seat, message: m.GiveFloor, now: float) -> None:
        """The floor goes to a seat that is here; the lead's mute of it ends with that.

        It comes forward on every screen, until the floor comes back or another picture is chosen.
        """
        record = self._record
        chosen = self._seat(message.seat_id)
        if not rules.can_have_floor(record.mode, chosen.role):
            raise LessonRefusal("seat-silent")
        if not record.is_present(chosen.seat_id):
            raise LessonRefusal("seat-absent")
        if chosen.muted_by_lead:
            chosen.muted_by_lead = False
            record.write(
                log.SeatMuted(at=now, seat_id=chosen.seat_id, muted=False, by=seat.seat_id)
            )
        if record.floor.give(chosen.seat_id):
            record.write(log.FloorGiven(at=now, seat_id=chosen.seat_id, by=seat.seat_id))

    def take_floor(self, seat: Seat, _message: m.TakeFloor, now: float) -> None:
        """The lead takes the floor back, or its holder hands it back."""
        record = self._record
        if not rules.is_staff(seat.role) and record.floor.holder != seat.seat_id:
            raise LessonRefusal("no-floor")
        holder = record.floor.take()
        if holder is not None:
            record.write(log.FloorTaken(at=now, seat_id=holder, by=seat.seat_id))

    # --- mutes --------------------------------------------------------------------------------

    def mute(self, seat: Seat, message: m.Mute, now: float) -> None:
        """Close or open one's own source."""
        if message.muted == (message.source in seat.muted_sources):
            return
        if message.muted:
            seat.muted_sources.add(message.source)
        else:
            seat.muted_sources.discard(message.source)
        self._record.keep()
        self._record.write(
            log.SourceMuted(
                at=now,
                seat_id=seat.seat_id,
                source=message.source,
                muted=message.muted,
            )
        )

    def mute_seat(self, seat: Seat, message: m.MuteSeat, now: float) -> None:
        """Close a room's sound, or let it be as the mode says."""
        chosen = self._seat(message.seat_id)
        if not rules.can_sound(self._record.mode, chosen.role):
            raise LessonRefusal("seat-silent")
        if chosen.role is Role.LEAD:  # the lead mutes itself with its own button
            raise LessonRefusal("not-allowed")
        self._mute(chosen, message.muted, seat, now)

    def mute_all(self, seat: Seat, message: m.MuteAll, now: float) -> None:
        """Close the sound of every room, here or not yet; or let them be as the mode says."""
        for one in self._record.seats.values():
            if one.role is Role.ROOM:
                self._mute(one, message.muted, seat, now)

    def _mute(self, chosen: Seat, muted: bool, by: Seat, now: float) -> None:
        if chosen.muted_by_lead == muted:
            return
        chosen.muted_by_lead = muted
        self._record.write(
            log.SeatMuted(at=now, seat_id=chosen.seat_id, muted=muted, by=by.seat_id)
        )

    # --- the picture --------------------------------------------------------------------------

    def set_spotlight(self, seat: Seat, message: m.SetSpotlight, now: float) -> None:
        """Show a seat's picture large to all, or nobody's; before who has the floor."""
        record = self._record
        spotlight = None
        if message.seat_id is not None:
            chosen = self._seat(message.seat_id)
            if message.source is Source.ROOM:
                raise LessonRefusal("wrong-kind")
            if not record.devices_of(chosen.seat_id):
                raise LessonRefusal("seat-absent")
            if chosen.role not in (Role.LEAD, Role.ROOM):
                raise LessonRefusal("seat-silent")
            spotlight = m.SpotlightState(seat_id=chosen.seat_id, source=message.source)
        stepped_back = record.floor.step_back()
        if record.spotlight != spotlight or stepped_back:
            record.spotlight = spotlight
            record.write(
                log.Spotlight(
                    at=now,
                    seat_id=spotlight.seat_id if spotlight else None,
                    source=spotlight.source if spotlight else None,
                    by=seat.seat_id,
                )
            )

    def set_layout(self, seat: Seat, message: m.SetLayout, now: float) -> None:
        """How the others stand on every screen; it holds for who has the floor too."""
        stepped_back = self._record.floor.step_back()
        if self._record.layout is not message.layout or stepped_back:
            self._record.layout = message.layout
            self._record.write(log.LayoutChosen(at=now, layout=message.layout, by=seat.seat_id))

    def set_places(self, seat: Seat, message: m.SetPlaces, now: float) -> None:
        """Which pictures stand first on every screen; it holds for who has the floor too."""
        for place in message.places:
            if place.source is Source.ROOM:
                raise LessonRefusal("wrong-kind")
            if self._seat(place.seat_id).role not in (Role.LEAD, Role.ROOM):
                raise LessonRefusal("seat-silent")
        places = tuple(dict.fromkeys(message.places))
        stepped_back = self._record.floor.step_back()
        if self._record.places != places or stepped_back:
            self._record.places = places
            told = tuple(log.ChosenPlace(seat_id=p.seat_id, source=p.source) for p in places)
            self._record.write(log.PlacesChosen(at=now, places=told, by=seat.seat_id))

    def set_directing(self, seat: Seat, message: m.SetDirecting, now: float) -> None:
        """How much the program's director decides by itself."""
        if self._record.directing is not message.directing:
            self._record.directing = message.directing
            self._record.write(
                log.DirectingChosen(at=now, directing=message.directing, by=seat.seat_id)
            )

    # --- the rest -----------------------------------------------------------------------------

    def send_chat(self, seat: Seat, message: m.SendChat, now: float) -> None:
        """A line to all. It is text, never markup: pages show it as it is."""
        text = "".join(
            character
            for character in message.text
            if character == "\n" or unicodedata.category(character) not in ("Cc", "Cs", "Co")
        ).strip()
        if not any(unicodedata.category(sign)[0] not in "CZ" for sign in text):
            raise LessonRefusal("empty-chat")
        line = m.ChatLine(seat_id=seat.seat_id, name=seat.name, text=text, at=now)
        self._record.chat.append(line)
        self._record.keep()
        self._record.write(log.Chat(at=now, seat_id=seat.seat_id, name=seat.name, text=text))
        self._record.tell_all(m.ChatPosted(line=line))

    def set_lock(self, _seat: Seat, message: m.SetLock, now: float) -> None:
        """Nobody new comes in, or everybody may again."""
        if self._record.locked != message.locked:
            self._record.locked = message.locked
            self._record.write(log.LockChanged(at=now, locked=message.locked))

    def switch_recording(self, seat: Seat, message: m.SetRecording, now: float) -> None:
        """It is to be recorded from now on, or not; the recorder says when that is so.

        Nobody is told before that is kept: a server that is killed then goes on as was told.
        """
        if self._record.record != message.recording:
            self._record.record = message.recording
            self._record.write(
                log.RecordingSwitched(at=now, recording=message.recording, by=seat.seat_id)
            )
            self._record.keep_bars()

    def mark_chapter(self, seat: Seat, _message: m.MarkChapter, now: float) -> None:
        """A chapter begins; pressed twice, or by two at once, it is one."""
        record = self._record
        if now - record.marked_at >= MARKS_APART_S:
            record.marked_at = now
            record.write(log.ChapterMarked(at=now, by=seat.seat_id))

    def tell_recording_again(self, planned: bool, now: float) -> None:
        """After a restart the recorder knows the plan alone."""
        record = self._record
        if record.record != planned:
            record.write(log.RecordingSwitched(at=now, recording=record.record, by=""))

    def set_recording(self, recording: bool, fault: str, now: float) -> None:
        """The recorder says whether it runs, and if not, why."""
        record = self._record
        if (record.recording, record.recording_fault) != (recording, fault):
            record.recording, record.recording_fault = recording, fault
            record.write(log.RecordingChanged(at=now, recording=recording, fault=fault))

    def warn_of_end(self, ends_at: float, now: float) -> None:
        """The longest length is near: everybody is told when the lesson ends by itself."""
        self._record.ends_at = ends_at
        self._record.write(log.EndingSoon(at=now, ends_at=ends_at))

    def end_lesson(self, _seat: Seat, _message: m.EndLesson, now: float) -> None:
        """The lead ends the lesson."""
        self.end("by-lead", now)

    def end(self, reason: EndReason, now: float) -> None:
        """The lesson is over for all."""
        record = self._record
        record.phase = LESSON_TRANSITIONS[record.phase, "ended"]
        record.ending = (now, reason)
        record.keep()
        for entry in record.spells.end_all(now):
            record.write(entry)
        record.write(log.LessonEnded(at=now, reason=reason))
        record.flush(now)
        record.tell_all(m.LessonEnded(reason=reason))
        for connection in list(record.connections):
            record.close(connection, CloseCode.LESSON_ENDED)
        for device in record.devices.values():
            device.connection = None
        record.emit(CloseLesson(now, reason))

    def _seat(self, seat_id: str) -> Seat:
        seat = self._record.seats.get(seat_id)
        if seat is None:
            raise LessonRefusal("unknown-seat")
        return seat
