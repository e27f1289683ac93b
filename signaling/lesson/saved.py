"""A lesson as JSON: what comes back after the server was killed.

Saved is what people have agreed on (floor, hands in their order, mutes, spotlight, layout, lock,
whether it is recorded, who was put out, the chat's tail), the video codec, and who was here, so
that each device's resume key is known again. Media is not: peer connections die with the server,
and each device negotiates anew. The plan of the lesson is the timetable's and read anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from signaling.errors import StateUnreadable
from signaling.lesson.record import Bar, Device, LessonRecord, Seat
from signaling.lesson.rules import DevicePhase, LivePhase
from signaling.ports import Bearer
from signaling.protocol import messages as m
from signaling.protocol.terms import RemovalCode


class _Saved(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SavedDevice(_Saved):
    """Enough to know a device again by its key."""

    device_id: str
    kind: m.DeviceKind
    resume_hash: str
    offers_sound: bool
    claims_sound: bool = False  # a state of before it could be
    plays_sound: bool = True
    joined_at: float
    entered: bool = True  # a state of before it was kept
    bearer_id: str = ""  # a state of before bearers were known
    bearer_name: str = ""
    room_device: bool = False


class SavedSeat(_Saved):
    """What outlives the devices of a seat. Name and role matter for seats not in the plan."""

    seat_id: str
    role: m.Role
    name: str
    school: str
    planned: bool
    was_here: bool
    muted_by_lead: bool
    muted_sources: list[m.Source]
    sound_device: str | None
    devices: list[SavedDevice]


class SavedBar(_Saved):
    """Who was put out."""

    seat_id: str
    name: str
    code: RemovalCode


class SavedLesson(_Saved):
    """One lesson."""

    version: Literal[1] = 1
    phase: LivePhase
    begun: bool = False
    ending: tuple[float, str] | None
    floor: str | None
    floor_forward: bool = False
    hands: list[tuple[str, float]]
    spotlight: m.SpotlightState | None
    layout: m.Layout
    places: list[m.PicturePlace] = []
    directing: m.Directing = m.Directing.AUTOMATIC
    locked: bool
    record: bool | None = None  # a state of before it could be switched: as planned
    barred: dict[str, SavedBar] = {}
    video_codec: m.VideoCodec = m.VideoCodec.H264
    chat: list[m.ChatLine]
    seats: list[SavedSeat]


def dump(record: LessonRecord) -> str:
    """The lesson as one JSON text."""
    return SavedLesson(
        phase=record.phase,
        begun=record.begun,
        ending=record.ending,
        floor=record.floor.holder,
        floor_forward=record.floor.forward,
        hands=list(record.floor.raised.items()),
        spotlight=record.spotlight,
        layout=record.layout,
        places=list(record.places),
        directing=record.directing,
        locked=record.locked,
        record=record.record,
        barred={
            bearer: SavedBar(seat_id=bar.seat_id, name=bar.name, code=bar.code)
            for bearer, bar in record.barred.items()
        },
        video_codec=record.video_codec,
        chat=list(record.chat),
        seats=[
            _dump_seat(record, seat)
            for seat in record.seats.values()
            if seat.was_here or seat.muted_by_lead  # "mute all" is for who comes later too
        ],
    ).model_dump_json()


def _dump_seat(record: LessonRecord, seat: Seat) -> SavedSeat:
    return SavedSeat(
        seat_id=seat.seat_id,
        role=seat.role,
        name=seat.name,
        school=seat.school,
        planned=seat.planned,
        was_here=seat.was_here,
        muted_by_lead=seat.muted_by_lead,
        muted_sources=sorted(seat.muted_sources),
        sound_device=seat.sound_device,
        devices=[
            SavedDevice(
                device_id=device.device_id,
                kind=device.kind,
                resume_hash=device.resume_hash,
                offers_sound=device.offers_sound,
                claims_sound=device.claims_sound,
                plays_sound=device.plays_sound,
                joined_at=device.joined_at,
                entered=device.entered,
                bearer_id=device.bearer.bearer_id,
                bearer_name=device.bearer.name,
                room_device=device.bearer.room_device,
            )
            for device in record.devices_of(seat.seat_id)
            if not device.over_http  # an encoder or player starts a new session by itself
        ],
    )


def load(record: LessonRecord, state: str, now: float) -> None:
    """Bring a fresh record (made from the plan) to the saved state; raises `StateUnreadable`.

    All devices are away since now. A seat that the plan has lost since keeps its place; what
    points to a seat that is nowhere any more is dropped.
    """
    saved = _parsed(state)
    if (saved.phase is LivePhase.ENDED) != (saved.ending is not None):
        raise StateUnreadable("an ended lesson says when and why, another does not")
    for saved_seat in saved.seats:
        _load_seat(record, saved_seat, now)
    record.phase = LivePhase.ENDED if saved.phase is LivePhase.ENDED else LivePhase.WAITING
    record.begun = saved.begun
    record.ending = saved.ending
    here = {device.seat_id for device in record.devices.values()}
    record.floor.holder = saved.floor if saved.floor in here else None
    record.floor.forward = saved.floor_forward and record.floor.holder is not None
    record.floor.raised = {seat_id: at for seat_id, at in saved.hands if seat_id in here}
    if saved.spotlight is not None and saved.spotlight.seat_id in here:
        record.spotlight = saved.spotlight
    record.layout = saved.layout
    record.places = tuple(place for place in saved.places if place.seat_id in record.seats)
    record.directing = saved.directing
    record.locked = saved.locked
    record.record = record.record if saved.record is None else saved.record
    record.barred = _bars_of(saved)
    record.video_codec = saved.video_codec
    record.chat.extend(saved.chat)
    record.keep()


def only_bars(state: str) -> str:
    """What of a state says who is let in no more, and whether the lesson is to be recorded: a short
    state. Raises `StateUnreadable`.

    Their bars, and those of their devices that are here all the same (`removal.py` says why).
    """
    saved = _parsed(state)
    seats = (
        _with_devices(seat, lambda each: each.bearer_id in saved.barred) for seat in saved.seats
    )
    return SavedLesson(
        phase=LivePhase.WAITING,
        ending=None,
        floor=None,
        hands=[],
        spotlight=None,
        layout=m.Layout.SPEAKER,
        locked=False,
        record=saved.record,
        barred=saved.barred,
        chat=[],
        seats=[seat for seat in seats if seat.devices],
    ).model_dump_json()


def with_bars(state: str, newer: str) -> str:
    """A state with what a newer one says (`only_bars`) in place of its own.

    Devices that were put out between the two are in it no more. Raises `StateUnreadable`.
    """
    saved, known = _parsed(state), _parsed(newer)
    stay = {device.device_id for seat in known.seats for device in seat.devices}
    seats = [
        _with_devices(
            seat, lambda each: each.bearer_id not in known.barred or each.device_id in stay
        )
        for seat in saved.seats
    ]
    record = saved.record if known.record is None else known.record
    newest = {"barred": known.barred, "seats": seats, "record": record}
    return saved.model_copy(update=newest).model_dump_json()


def _with_devices(seat: SavedSeat, belongs: Callable[[SavedDevice], bool]) -> SavedSeat:
    return seat.model_copy(update={"devices": [each for each in seat.devices if belongs(each)]})


def bars_in(state: str) -> dict[str, Bar]:
    """Who is let in no more, by their bearers, of a lesson that is not in memory.

    Raises `StateUnreadable`.
    """
    return _bars_of(_parsed(state))


def _parsed(state: str) -> SavedLesson:
    try:
        return SavedLesson.model_validate_json(state)
    except ValidationError as error:
        raise StateUnreadable(str(error)) from error


def _bars_of(saved: SavedLesson) -> dict[str, Bar]:
    return {bearer: Bar(bar.seat_id, bar.name, bar.code) for bearer, bar in saved.barred.items()}


def _load_seat(record: LessonRecord, saved: SavedSeat, now: float) -> None:
    seat = record.seats.get(saved.seat_id)
    if seat is None:
        if not saved.devices:
            return
        profile = m.SendProfile(name="none", sources=[])
        seat = Seat(saved.seat_id, saved.role, saved.name, saved.school, profile, False)
        record.seats[seat.seat_id] = seat
    seat.was_here = saved.was_here
    seat.muted_by_lead = saved.muted_by_lead
    seat.muted_sources = set(saved.muted_sources)
    for device in saved.devices:
        record.devices[device.device_id] = Device(
            device_id=device.device_id,
            seat_id=seat.seat_id,
            kind=device.kind,
            resume_hash=device.resume_hash,
            bearer=Bearer(device.bearer_id, device.bearer_name, device.room_device),
            phase=DevicePhase.AWAY,
            away_since=now,
            offers_sound=device.offers_sound,
            claims_sound=device.claims_sound,
            plays_sound=device.plays_sound,
            entered=device.entered,
            joined_at=device.joined_at,
        )
    known = {device.device_id for device in saved.devices}
    if saved.sound_device in known:
        seat.sound_device = saved.sound_device
    elif saved.sound_device is not None:  # it was an encoder, which is not kept
        able = [device for device in saved.devices if device.offers_sound]
        able.sort(key=lambda device: not device.entered)
        seat.sound_device = able[0].device_id if able else None
