"""THE lesson: one event in, its effects out.

The order of every event: find who speaks, ask `rules.PERMISSIONS`, let the one handler in the
tables below change the record, then gate the media and tell everybody what has changed. A refusal
is raised before anything is changed and becomes one `Refused` to who asked.

The caller's duty: carry the effects out in their order, feed what the media core answers back in
before the next event, and call `handle_timer` when `next_timer` has come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from signaling.errors import LessonRefusal
from signaling.lesson import events as e
from signaling.lesson import rules, saved
from signaling.lesson.conduct import Conduct
from signaling.lesson.effects import Effect
from signaling.lesson.own_streams import OwnStreams
from signaling.lesson.program import LessonScene, ProgramTaking
from signaling.lesson.publishing import Publishing
from signaling.lesson.record import Bar, Device, LessonRecord, Seat
from signaling.lesson.removal import Removal
from signaling.lesson.reports import Reports
from signaling.lesson.roster import Roster
from signaling.lesson.rules import DevicePhase, LivePhase
from signaling.lesson.subscribing import Subscribing
from signaling.log import entries as log
from signaling.ports import Bearer, LessonPlan, SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import CloseCode
from signaling.protocol.refusals import refused

# What each request does: about the lesson (answered by `Done`), about the device's media (answered
# by what the media core says). `enter`, `leave` and `ping` are in `Lesson._carry_out`.
SEAT_REQUESTS: dict[type[m.Request], Callable[[Conduct, Seat, Any, float], None]] = {
    m.RaiseHand: Conduct.raise_hand,
    m.LowerHand: Conduct.lower_hand,
    m.LowerAllHands: Conduct.lower_all_hands,
    m.GiveFloor: Conduct.give_floor,
    m.TakeFloor: Conduct.take_floor,
    m.Mute: Conduct.mute,
    m.MuteSeat: Conduct.mute_seat,
    m.MuteAll: Conduct.mute_all,
    m.SetSpotlight: Conduct.set_spotlight,
    m.SetLayout: Conduct.set_layout,
    m.SetPlaces: Conduct.set_places,
    m.SetDirecting: Conduct.set_directing,
    m.SendChat: Conduct.send_chat,
    m.SetLock: Conduct.set_lock,
    m.SetRecording: Conduct.switch_recording,
    m.MarkChapter: Conduct.mark_chapter,
    m.EndLesson: Conduct.end_lesson,
}
REMOVAL_REQUESTS: dict[type[m.Request], Callable[[Removal, Device, Any, float], None]] = {
    m.RemoveDevice: Removal.remove_device,
    m.Readmit: Removal.readmit,
}
PUBLISH_REQUESTS: dict[type[m.Request], Callable[[Publishing, Device, Any, float], None]] = {
    m.Publish: Publishing.publish,
    m.Unpublish: Publishing.unpublish,
    m.ScreenPage: Publishing.screen_page,
}
SUBSCRIBE_REQUESTS: dict[type[m.Request], Callable[[Subscribing, Device, Any, float], None]] = {
    m.Subscribe: Subscribing.subscribe,
    m.SubscribeAnswer: Subscribing.answer,
    m.RestartSubscribe: Subscribing.restart_subscribe,
}


@dataclass(frozen=True, slots=True)
class SeatedDevice:
    """A device and the seat it is at; `connected` tells whether its connection is there now."""

    device_id: str
    seat_id: str
    role: m.Role
    kind: m.DeviceKind
    connected: bool
    bearer: Bearer


class Lesson:
    """One lesson in progress. Sans-IO: `now` is in seconds since 1970."""

    def __init__(self, plan: LessonPlan, settings: SignalingSettings, now: float) -> None:
        self._record = LessonRecord(plan, settings, now)
        self._publishing = Publishing(self._record)
        self._subscribing = Subscribing(self._record)
        self._roster = Roster(self._record, self._publishing, self._subscribing)
        self._reports = Reports(self._record, self._roster, self._publishing, self._subscribing)
        self._removal = Removal(self._record, self._roster)
        self._conduct = Conduct(self._record)
        self._own_streams = OwnStreams(self._record)
        self._program = ProgramTaking(self._record)

    # --- in and out ---------------------------------------------------------------------------

    def handle(self, event: e.Event, now: float) -> list[Effect]:
        """Take one event in; what is to be done now, in order."""
        if self.ended and not isinstance(event, e.JoinRequested | e.RequestReceived | e.SourceFed):
            return []
        visible = True
        match event:
            case e.JoinRequested():
                self._join(event, now)
            case e.RequestReceived() | e.PlayRequested() | e.SourceFed():
                self._request(event, now)
            case e.ConnectionLost():
                self._roster.connection_lost(event, now)
            case e.MediaReported():
                visible = self._reports.handle(event.event, now)
            case e.RecordingChanged():
                self._conduct.set_recording(event.recording, event.fault, now)
            case e.EndRequested():
                self._conduct.end(event.reason, now)
            case e.RemovalRequested():
                self._removal.requested(event, now)
            case e.ReadmissionRequested():
                self._removal.readmit_seat(event.seat_id, now)
            case e.LeadRenamed():
                self._roster.rename_lead(event.name, now)
            case e.StreamAdded() | e.StreamRemoved() | e.ProgramStands() | e.ProgramCut():
                self._own_changed(event, now)
            case _:
                self._media_answered(event, now)
        return self._finish(now, visible=visible)

    def next_timer(self) -> float | None:
        """When `handle_timer` is to be called at the latest; None while nothing waits."""
        if self.ended:
            return None
        due = (
            self._roster.next_timer(),
            self._subscribing.next_timer(),
            self._record.speakers.due_at(),
            self._warns_at(),
            min(self._times_out_at(), self._longest_at()),
        )
        soonest = min(at for at in due if at is not None)
        return None if soonest == float("inf") else soonest

    def handle_timer(self, now: float) -> list[Effect]:
        """What time itself brings; early or late calls do no harm."""
        if not self.ended:
            self._roster.handle_timer(now)
            self._subscribing.handle_timer(now)
            warns_at = self._warns_at()
            if self._longest_at() <= now:
                self._conduct.end("too-long", now)
            elif self._times_out_at() <= now:
                self._conduct.end("timed-out", now)
            elif warns_at is not None and warns_at <= now:
                self._conduct.warn_of_end(self._longest_at(), now)
        return self._finish(now)

    def save(self) -> str:
        """The lesson as JSON, to be restored after a crash of the server."""
        return saved.dump(self._record)

    @classmethod
    def restore(
        cls, plan: LessonPlan, settings: SignalingSettings, state: str, now: float
    ) -> tuple[Lesson, list[Effect]]:
        """The lesson as it was; its devices are away and have a new grace to come back.

        Raises `StateUnreadable`.
        """
        lesson = cls(plan, settings, now)
        saved.load(lesson._record, state, now)
        if not lesson.ended:
            lesson._record.write(log.LessonRestored(at=now))
            lesson._conduct.tell_recording_again(plan.record, now)
        return lesson, lesson._finish(now)

    # --- looking ------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the lesson is over."""
        return self._record.phase is LivePhase.ENDED

    @property
    def ending(self) -> tuple[float, str]:
        """When and why the lesson ended; only for one that has."""
        assert self._record.ending is not None  # the caller asked `ended` first
        return self._record.ending

    @property
    def phase(self) -> LivePhase:
        """Where the lesson stands."""
        return self._record.phase

    def view(self) -> tuple[m.LessonState, list[m.SeatState]]:
        """The lesson and its seats as everybody may see them."""
        record = self._record
        return record.lesson_view(), [record.seat_view(seat) for seat in record.seats.values()]

    def scene(self) -> LessonScene:
        """The lesson as whoever makes its program needs it."""
        return self._program.scene()

    def bars(self) -> dict[str, Bar]:
        """Who was put out and is let in no more, by their bearers."""
        return dict(self._record.barred)

    def devices(self) -> list[SeatedDevice]:
        """Every device of the lesson, the away ones too, in the order they joined."""
        return [
            SeatedDevice(
                device_id=device.device_id,
                seat_id=device.seat_id,
                role=self._record.seats[device.seat_id].role,
                kind=device.kind,
                connected=device.phase is DevicePhase.CONNECTED,
                bearer=device.bearer,
            )
            for device in self._record.devices.values()
        ]

    # --- steps --------------------------------------------------------------------------------

    def _join(self, event: e.JoinRequested, now: float) -> None:
        try:
            if event.connection in self._record.connections:
                raise LessonRefusal("already-joined")
            self._roster.join(event, now)
        except LessonRefusal as refusal:
            self._record.reply(event.connection, refused(refusal.code, event.join.request_id))
            if refusal.code != "already-joined":
                self._record.close(event.connection, CloseCode.REFUSED)

    def _request(
        self, event: e.RequestReceived | e.PlayRequested | e.SourceFed, now: float
    ) -> None:
        request_id = None
        try:
            if isinstance(event, e.PlayRequested):
                request_id = event.request_id
                self._subscribing.play(self._device(event.connection), event, now)
            elif isinstance(event, e.SourceFed):
                request_id = event.request_id
                self._publishing.fed(self._device(event.connection), event, now)
            else:
                request_id = event.message.request_id
                self._carry_out(self._device(event.connection), event.message, now)
        except LessonRefusal as refusal:
            self._record.reply(event.connection, refused(refusal.code, request_id))

    def _carry_out(self, device: Device, message: m.ClientMessage, now: float) -> None:
        record, connection, kind = self._record, device.connection, type(message)
        if kind is m.Join:
            raise LessonRefusal("already-joined")
        seat = record.seats[device.seat_id]
        code = rules.refusal_of(
            kind,
            seat.role,
            record.mode,
            in_person=device.entered and not device.bearer.room_device,
        )
        if code is not None:
            raise LessonRefusal(code)
        if kind in SEAT_REQUESTS:
            SEAT_REQUESTS[kind](self._conduct, seat, message, now)
            record.done(connection, message.request_id)
        elif kind in REMOVAL_REQUESTS:
            REMOVAL_REQUESTS[kind](self._removal, device, message, now)
            record.done(connection, message.request_id)
        elif kind in PUBLISH_REQUESTS:
            PUBLISH_REQUESTS[kind](self._publishing, device, message, now)
        elif kind in SUBSCRIBE_REQUESTS:
            SUBSCRIBE_REQUESTS[kind](self._subscribing, device, message, now)
        elif isinstance(message, m.TakeProgram):
            self._program.take(device, message, now)
            record.done(connection, message.request_id)
        elif kind is m.Enter:
            self._roster.enter(device, now)
            record.done(connection, message.request_id)
        elif isinstance(message, m.OfferSound):
            self._roster.offer_sound(device, message, now)
            record.done(connection, message.request_id)
        elif kind is m.Leave:
            self._roster.leave(device, now, "left")
            record.done(connection, message.request_id)
        else:
            record.reply(connection, m.Pong(request_id=message.request_id, server_time=now))

    def _media_answered(self, event: e.MediaAnswered, now: float) -> None:
        match event:
            case e.PublishAnswered():
                self._publishing.publish_answered(event, now)
            case e.SubscribeOffered():
                self._subscribing.subscribe_offered(event, now)
            case e.AnswerAccepted():
                self._subscribing.answer_accepted(event)
            case e.PlayAnswered():
                self._subscribing.play_answered(event)
            case e.MediaFailed():
                self._subscribing.media_failed(event)

    def _own_changed(
        self, event: e.StreamAdded | e.StreamRemoved | e.ProgramStands | e.ProgramCut, now: float
    ) -> None:
        """Something of the lesson's own, which no seat sends."""
        if isinstance(event, e.StreamAdded | e.StreamRemoved):
            self._own_streams.handle(event, now)
        else:
            self._program.handle(event, now)

    def _device(self, connection: int) -> Device:
        device_id = self._record.connections.get(connection)
        if self.ended:
            raise LessonRefusal("lesson-ended")
        if device_id is None:
            raise LessonRefusal("not-joined")
        return self._record.devices[device_id]

    def _finish(self, now: float, *, visible: bool = True) -> list[Effect]:
        record = self._record
        if not self.ended:
            if visible:
                self._subscribing.follow_players()
                self._program.follow(now)
                record.flush(now)
            speaking = record.speakers.poll(now)
            if speaking is not None:
                record.tell_all(m.Speaking(seats=list(speaking)))
        return record.drain()

    def _longest_at(self) -> float:
        """When the lesson ends by itself, whoever is here: what was forgotten stops some time."""
        return self._record.started_at + self._record.settings.longest_lesson_s

    def _warns_at(self) -> float | None:
        """When the end by length is to be told; None once it has been."""
        if self._record.ends_at is not None:
            return None
        return self._longest_at() - self._record.settings.lesson_warned_s

    def _times_out_at(self) -> float:
        record = self._record
        ends = [float("inf")]
        if record.phase is LivePhase.WAITING:
            ends.append(record.waiting_since + record.settings.lead_absent_s)
        if record.empty_since is not None:
            ends.append(record.empty_since + record.settings.empty_lesson_s)
        return min(ends)
