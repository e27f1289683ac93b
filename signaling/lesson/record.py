"""All a lesson remembers, and the outbox its handlers write to.

Owns the state (`Seat`, `Device`, `Producer`, `LessonStream`, `LessonRecord`) and its public view:
handlers change the record, `flush` compares the view with what was last told and sends only what
differs, so no handler can forget to tell. What changes it is beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from mixer.model import Kind, Want
from signaling.lesson import rules
from signaling.lesson.chat import ChatTail
from signaling.lesson.effects import (
    CloseConnection,
    Effect,
    KeepBars,
    MediaAnswer,
    MediaPause,
    MediaPlay,
    MediaPublish,
    MediaSubscribe,
    Save,
    Send,
    WriteJournal,
)
from signaling.lesson.events import PlayRequested
from signaling.lesson.floor import Floor
from signaling.lesson.link import DeviceLink
from signaling.lesson.rules import DevicePhase, LivePhase, SubscribePhase
from signaling.lesson.speaking import SpeakerBoard
from signaling.lesson.speech import OpenSpells
from signaling.log import entries as log
from signaling.log.entries import AnyEntry
from signaling.ports import Bearer, LessonPlan, SignalingSettings
from signaling.protocol import messages as m
from signaling.protocol.messages import (
    CloseCode,
    LessonSource,
    LinkQuality,
    Mode,
    RemovalCode,
    Role,
    Source,
)

# A seat and one of its sources (None: the best it has); or no seat and a source of the lesson.
Played = tuple[str, Source | None] | tuple[None, LessonSource]

GONE_PRODUCERS = 512  # remembered so that a `subscribe` crossing a removal is not refused


@dataclass(slots=True)
class Producer:
    """One stream a device sends. `paused` is what the media core was last told.

    `layers_needed` is what its device was last told (None: nothing yet).
    """

    producer_id: str
    device_id: str
    source: Source
    kind: Kind
    codec: str = ""
    live: bool = False
    paused: bool = False
    layers_needed: int | None = None
    faults: tuple[m.PictureFault, ...] = ()
    pages: int = 1  # of a shared screen: how many it has shown
    paged_at: float = 0.0  # when the last of them was told


@dataclass(slots=True)
class LessonStream:
    """One stream of the lesson itself, which no seat sends."""

    producer_id: str
    source: LessonSource
    kind: Kind
    codec: str
    seat_id: str | None = None  # a mix for this seat alone
    layers_needed: int | None = None  # as the media core said last; None: nothing yet
    fallback_needed: int = 0  # layers in another codec, for whom cannot show this one


@dataclass(slots=True)
class Device:
    """One machine at a seat. `media` tells whether it has peer connections to keep."""

    device_id: str
    seat_id: str
    kind: m.DeviceKind
    resume_hash: str
    bearer: Bearer
    phase: DevicePhase = DevicePhase.CONNECTED
    connection: int | None = None
    away_since: float = 0.0
    over_http: bool = False
    offers_sound: bool = True
    claims_sound: bool = False
    plays_sound: bool = True
    media: bool = False
    established: bool = False  # a transport of it has been connected
    entered: bool = True  # else it only looks whether all is ready
    joined_at: float = 0.0
    producers: dict[str, Producer] = field(default_factory=dict)
    wants: tuple[Want, ...] = ()
    plays: Played | None = None  # what a WHEP player asked for
    play_waits: PlayRequested | None = None  # for the program that is about to be made
    play_asked_at: float = 0.0
    takes_program: bool = False
    subscribe: SubscribePhase = SubscribePhase.IDLE
    subscribe_again: bool = False  # the wants have changed since the offer that is out
    subscribe_restart: bool = False  # the next offer starts the connection anew
    subscribe_request: str | None = None  # the request the next offer answers
    offered_at: float = 0.0
    link: DeviceLink = field(default_factory=DeviceLink)


@dataclass(slots=True)
class Seat:
    """One place in the lesson. What is kept here outlives its devices' connections."""

    seat_id: str
    role: Role
    name: str
    school: str
    profile: m.SendProfile
    planned: bool
    was_here: bool = False
    muted_by_lead: bool = False
    muted_sources: set[Source] = field(default_factory=set)
    sound_device: str | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a bearer is let in no more: the seat they were put out of, and a refusal's code."""

    seat_id: str
    name: str
    code: RemovalCode


class LessonRecord:
    """The state of one lesson, and the effects of the event being handled."""

    def __init__(self, plan: LessonPlan, settings: SignalingSettings, now: float) -> None:
        self.lesson_id = plan.lesson_id
        self.title = plan.title
        self.mode: Mode = plan.mode
        self.started_at = plan.started_at
        self.settings = settings
        self.phase = LivePhase.WAITING
        self.begun = False  # the lead was here in person, if only once
        self.waiting_since = now  # since when the lead is not here
        self.empty_since: float | None = now  # since when nobody but observers is here
        self.seats: dict[str, Seat] = {
            seat.seat_id: Seat(seat.seat_id, seat.role, seat.name, seat.school, seat.profile, True)
            for seat in plan.seats
        }
        self.devices: dict[str, Device] = {}  # in the order they joined
        self.connections: dict[int, str] = {}  # connection → device
        self.floor = Floor()
        self.spotlight: m.SpotlightState | None = None
        self.layout = plan.layout
        self.places: tuple[m.PicturePlace, ...] = ()
        self.directing = m.Directing.AUTOMATIC
        self.locked = False
        self.record = plan.record  # it is to be recorded
        self.recording = False  # the recorder says so
        self.recording_fault = ""
        self.marked_at = float("-inf")  # when somebody last marked a chapter
        self.video_codec = m.VideoCodec.H264  # once less, it stays so: a change interrupts pictures
        self.ends_at: float | None = None  # told when the longest length is near
        self.ending: tuple[float, str] | None = None  # when and why
        self.barred: dict[str, Bar] = {}  # bearers who are let in no more
        self.chat = ChatTail()
        self.streams: dict[str, LessonStream] = {}  # its own, by producer
        self.program = m.ProgramStanding.IDLE if settings.programs else m.ProgramStanding.NONE
        self.program_wanted = False  # by anybody, as last written
        self.gone_producers: deque[str] = deque(maxlen=GONE_PRODUCERS)
        self.speakers = SpeakerBoard()
        self.spells = OpenSpells()
        self.out: list[Effect] = []
        self._replies: list[Effect] = []
        self._negotiations: list[Effect] = []
        self._closing: list[Effect] = []
        self._unsaved = False
        self._told_lesson = self.lesson_view()
        self._told_seats = {seat.seat_id: self.seat_view(seat) for seat in self.seats.values()}

    # --- looking ------------------------------------------------------------------------------

    def devices_of(self, seat_id: str) -> list[Device]:
        """A seat's devices in the order they joined, the away ones too."""
        return [device for device in self.devices.values() if device.seat_id == seat_id]

    def is_present(self, seat_id: str) -> bool:
        """Whether one of the seat's devices is connected."""
        return any(d.phase is DevicePhase.CONNECTED for d in self.devices_of(seat_id))

    def is_led(self) -> bool:
        """Whether the lead is here in person, and has entered.

        A device of the lead's room alone leads nothing.
        """
        return any(
            device.phase is DevicePhase.CONNECTED
            and device.entered
            and not device.bearer.room_device
            and self.seats[device.seat_id].role is Role.LEAD
            for device in self.devices.values()
        )

    def producers(self) -> Iterator[tuple[Seat, Producer]]:
        """Every stream of the lesson with its seat."""
        for device in self.devices.values():
            for producer in device.producers.values():
                yield self.seats[device.seat_id], producer

    def find_producer(self, producer_id: str) -> tuple[Seat, Producer] | None:
        """A stream by its id."""
        for seat, producer in self.producers():
            if producer.producer_id == producer_id:
                return seat, producer
        return None

    def forget_producer(self, producer_id: str) -> None:
        """A stream is gone: nobody wants it any more."""
        self.gone_producers.append(producer_id)
        for device in self.devices.values():
            device.wants = tuple(w for w in device.wants if w.producer_id != producer_id)

    def may_speak(self, seat: Seat) -> bool:
        """Mode, floor and mutes taken together: whether this seat's sound goes to the others."""
        return (
            rules.may_send(
                Source.ROOM,
                mode=self.mode,
                role=seat.role,
                has_floor=self.floor.holder == seat.seat_id,
            )
            and not seat.muted_by_lead
            and Source.ROOM not in seat.muted_sources
        )

    def may_flow(self, seat: Seat, source: Source) -> bool:
        """Whether a source's media goes to the others now."""
        if source is Source.ROOM:
            return self.may_speak(seat)
        has_floor = self.floor.holder == seat.seat_id
        return source not in seat.muted_sources and rules.may_send(
            source, mode=self.mode, role=seat.role, has_floor=has_floor
        )

    # --- the public view ----------------------------------------------------------------------

    def lesson_view(self) -> m.LessonState:
        """The lesson as everybody may see it."""
        return m.LessonState(
            lesson_id=self.lesson_id,
            title=self.title,
            mode=self.mode,
            started_at=self.started_at,
            led=self.phase is LivePhase.RUNNING,
            begun=self.begun,
            ends_at=self.ends_at,
            floor=self.floor.holder,
            floor_forward=self.floor.forward,
            spotlight=self.spotlight,
            layout=self.layout,
            places=list(self.places),
            directing=self.directing,
            locked=self.locked,
            removed=[
                m.RemovedBearer(seat_id=bar.seat_id, bearer=bar.name)
                for bar in self.barred.values()
            ],
            record=self.record,
            recording=self.recording,
            recording_fault=self.recording_fault,
            video_codec=self.video_codec,
            streams=[
                m.LessonStream(
                    source=stream.source,
                    producer_id=stream.producer_id,
                    kind=_kind_name(stream.kind),
                    codec=stream.codec,
                    seat_id=stream.seat_id,
                )
                for stream in self.streams.values()
            ],
            program=self.program,
            ended=self.phase is LivePhase.ENDED,
        )

    def seat_view(self, seat: Seat) -> m.SeatState:
        """A seat as everybody may see it."""
        devices = self.devices_of(seat.seat_id)
        present = [device for device in devices if device.phase is DevicePhase.CONNECTED]
        place = self.floor.place(seat.seat_id)
        return m.SeatState(
            seat_id=seat.seat_id,
            role=seat.role,
            name=seat.name,
            school=seat.school,
            present=bool(present),
            away_since=(
                max(device.away_since for device in devices) if devices and not present else None
            ),
            devices=[
                m.DeviceState(
                    device_id=device.device_id,
                    kind=device.kind,
                    bearer=device.bearer.name,
                    connected=device.phase is DevicePhase.CONNECTED,
                    takes_program=device.takes_program,
                )
                for device in devices
            ],
            sound_device=seat.sound_device,
            sound_player=self.player_of(seat),
            sources=[self._source_view(seat, p) for d in devices for p in d.producers.values()],
            hand=(
                None
                if place is None
                else m.Hand(place=place, raised_at=self.floor.raised[seat.seat_id])
            ),
            muted_by_lead=seat.muted_by_lead,
            may_speak=self.may_speak(seat),
            link=self._link(seat, devices, present),
        )

    def _source_view(self, seat: Seat, producer: Producer) -> m.SourceState:
        return m.SourceState(
            source=producer.source,
            producer_id=producer.producer_id,
            device_id=producer.device_id,
            kind=_kind_name(producer.kind),
            codec=producer.codec,
            muted=producer.source in seat.muted_sources,
            live=producer.live,
            faults=list(producer.faults),
        )

    def player_of(self, seat: Seat) -> str | None:
        """Which device plays the others' sound: the one that carries the seat's own, which knows
        what of it comes back; where that one has no loudspeaker, the first other one that has.
        """
        holder = self.devices.get(seat.sound_device or "")
        if holder is None or holder.plays_sound:
            return seat.sound_device
        able = [d for d in self.devices_of(seat.seat_id) if d.plays_sound and d.offers_sound]
        able.sort(key=lambda d: (not d.entered, d.phase is not DevicePhase.CONNECTED))
        return able[0].device_id if able else None

    def _link(self, seat: Seat, devices: list[Device], present: list[Device]) -> LinkQuality:
        """The line of the device that carries the sound, else of the seat's first one."""
        if devices and not present:
            return LinkQuality.LOST
        chosen = [device for device in present if device.device_id == seat.sound_device] or present
        return chosen[0].link.quality if chosen else LinkQuality.GOOD

    # --- saying -------------------------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        """Something to be done, in order; what is answered comes after this event's replies."""
        negotiation = isinstance(effect, MediaPublish | MediaSubscribe | MediaAnswer | MediaPlay)
        (self._negotiations if negotiation else self.out).append(effect)

    def write(self, entry: AnyEntry) -> None:
        """An entry of the event log."""
        self.out.append(WriteJournal(entry))

    def reply(self, connection: int | None, message: m.ServerMessage) -> None:
        """A message to one connection, after all changes of this event were told."""
        if connection is not None:
            self._replies.append(Send((connection,), message))

    def done(self, connection: int | None, request_id: str | None) -> None:
        """`Done`, to who asked to be told."""
        if request_id is not None:
            self.reply(connection, m.Done(request_id=request_id))

    def close(self, connection: int, code: CloseCode) -> None:
        """Forget a connection and have it closed, after what it is still sent."""
        self.connections.pop(connection, None)
        self._closing.append(CloseConnection(connection, code))

    def tell_all(self, message: m.ServerMessage, *, but: int | None = None) -> None:
        """A message to every connection of the lesson."""
        to = tuple(connection for connection in self.connections if connection != but)
        if to:
            self.out.append(Send(to, message))

    def keep(self) -> None:
        """What is saved has changed."""
        self._unsaved = True

    def keep_bars(self) -> None:
        """Who is let in no more, or whether it is recorded, has changed: nobody is told so before
        it is kept.
        """
        self.out.append(KeepBars())
        self.keep()

    def flush(self, now: float, *, newcomer: int | None = None) -> None:
        """Gate the media and tell what has changed since the last flush.

        `newcomer` is a connection that gets a whole `Welcome` as its reply instead.
        """
        for seat, producer in self.producers():
            paused = not self.may_flow(seat, producer.source)
            if producer.paused != paused:
                producer.paused = paused
                self.out.append(MediaPause(producer.producer_id, paused))
        lesson = self.lesson_view()
        if lesson != self._told_lesson:
            self._told_lesson = lesson
            self._unsaved = True
            self.tell_all(m.LessonChanged(lesson=lesson), but=newcomer)
        for seat_id in [told for told in self._told_seats if told not in self.seats]:
            del self._told_seats[seat_id]
            self.tell_all(m.SeatRemoved(seat_id=seat_id), but=newcomer)
        for seat in self.seats.values():
            self._flush_seat(seat, now, newcomer)

    def _flush_seat(self, seat: Seat, now: float, newcomer: int | None) -> None:
        view = self.seat_view(seat)
        told = self._told_seats.get(seat.seat_id)
        if view == told:
            return
        if told is not None and view.link != told.link:
            self.write(log.LinkChanged(at=now, seat_id=seat.seat_id, link=view.link))
        self._told_seats[seat.seat_id] = view
        self._unsaved = True
        self.tell_all(m.SeatChanged(seat=view), but=newcomer)

    def drain(self) -> list[Effect]:
        """All effects since the last drain.

        Changes first, then replies, then what the media core is asked (its answers bring replies of
        their own), then closings.
        """
        effects = [*self.out, *self._replies, *self._negotiations, *self._closing]
        if self._unsaved:
            effects.append(Save())
        self.out, self._replies, self._negotiations, self._closing = [], [], [], []
        self._unsaved = False
        return effects


def _kind_name(kind: Kind) -> Literal["audio", "video"]:
    return "audio" if kind is Kind.AUDIO else "video"
