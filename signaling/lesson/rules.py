"""The rules of a lesson, as tables: its states, who may ask for what, whose sound goes out.

Pure data and look-ups; the code that obeys them is beside what it changes. `docs/protocol.md` shows
these tables, and a test keeps the two alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from signaling.protocol import messages as m
from signaling.protocol.messages import Mode, Role, Source

# --- states -----------------------------------------------------------------------------------


class LivePhase(StrEnum):
    """A lesson's life."""

    WAITING = "waiting"  # the lead is not here (yet, or for the moment); the rooms go on
    RUNNING = "running"
    ENDED = "ended"


class DevicePhase(StrEnum):
    """A device's life in a lesson."""

    CONNECTED = "connected"
    AWAY = "away"  # its connection is lost; its place is kept for `away_grace_s`
    GONE = "gone"


class SubscribePhase(StrEnum):
    """Where the negotiation of a device's subscribe connection stands. The server offers."""

    IDLE = "idle"
    ASKED = "asked"  # the media core is preparing an offer
    OFFERED = "offered"  # the device owes an answer


LESSON_TRANSITIONS: dict[tuple[LivePhase, str], LivePhase] = {
    (LivePhase.WAITING, "lead-present"): LivePhase.RUNNING,
    (LivePhase.RUNNING, "lead-absent"): LivePhase.WAITING,
    (LivePhase.WAITING, "ended"): LivePhase.ENDED,
    (LivePhase.RUNNING, "ended"): LivePhase.ENDED,
}

DEVICE_TRANSITIONS: dict[tuple[DevicePhase, str], DevicePhase] = {
    (DevicePhase.CONNECTED, "connection-lost"): DevicePhase.AWAY,
    (DevicePhase.CONNECTED, "resumed"): DevicePhase.CONNECTED,
    (DevicePhase.AWAY, "resumed"): DevicePhase.CONNECTED,
    (DevicePhase.CONNECTED, "left"): DevicePhase.GONE,
    (DevicePhase.AWAY, "left"): DevicePhase.GONE,
    (DevicePhase.AWAY, "grace-over"): DevicePhase.GONE,
}

SUBSCRIBE_TRANSITIONS: dict[tuple[SubscribePhase, str], SubscribePhase] = {
    (SubscribePhase.IDLE, "subscribe"): SubscribePhase.ASKED,
    (SubscribePhase.ASKED, "offer"): SubscribePhase.OFFERED,
    (SubscribePhase.ASKED, "nothing-to-offer"): SubscribePhase.IDLE,
    (SubscribePhase.ASKED, "failed"): SubscribePhase.IDLE,
    (SubscribePhase.OFFERED, "answered"): SubscribePhase.IDLE,
    (SubscribePhase.OFFERED, "failed"): SubscribePhase.IDLE,
    (SubscribePhase.OFFERED, "timed-out"): SubscribePhase.IDLE,
}

# --- who may ask for what ---------------------------------------------------------------------

_ALL = frozenset(Role)
_LEAD = frozenset({Role.LEAD})
_STAFF = frozenset({Role.LEAD, Role.ASSISTANT})  # the assistant helps the lead to run the lesson
_PLACES = frozenset({Role.LEAD, Role.ROOM})  # seats that send pictures and sound


@dataclass(frozen=True, slots=True)
class Permission:
    """Which roles may send a message, what others are told, and who more in a research meeting.

    In `research` all places are equal: what concerns the picture and the floor is for each.
    """

    roles: frozenset[Role]
    refusal: str = "not-allowed"
    research: frozenset[Role] = frozenset()


PERMISSIONS: dict[type[m.Request], Permission] = {
    m.Leave: Permission(_ALL),
    m.Enter: Permission(_ALL),
    m.OfferSound: Permission(_PLACES, "source-not-allowed"),
    m.Ping: Permission(_ALL),
    m.Publish: Permission(_PLACES, "source-not-allowed"),
    m.Unpublish: Permission(_PLACES, "source-not-allowed"),
    m.Subscribe: Permission(_ALL),
    m.SubscribeAnswer: Permission(_ALL),
    m.RestartSubscribe: Permission(_ALL),
    m.TakeProgram: Permission(_ALL),
    m.Mute: Permission(_PLACES),
    m.MuteSeat: Permission(_STAFF, "lead-only"),
    m.MuteAll: Permission(_STAFF, "lead-only"),
    m.RaiseHand: Permission(frozenset({Role.ROOM}), research=_LEAD),
    m.LowerHand: Permission(_PLACES | _STAFF),
    m.LowerAllHands: Permission(_STAFF, "lead-only"),
    m.GiveFloor: Permission(_STAFF, "lead-only"),
    m.TakeFloor: Permission(_PLACES | _STAFF),
    m.SetSpotlight: Permission(_STAFF, "lead-only", research=_PLACES),
    m.SetLayout: Permission(_STAFF, "lead-only", research=_PLACES),
    m.SetPlaces: Permission(_STAFF, "lead-only", research=_PLACES),
    m.SetDirecting: Permission(_STAFF, "lead-only", research=_PLACES),
    m.SendChat: Permission(_PLACES | _STAFF),
    m.SetLock: Permission(_LEAD, "lead-only"),
    m.SetRecording: Permission(_LEAD, "lead-only"),
    m.MarkChapter: Permission(_STAFF, "lead-only"),
    m.ScreenPage: Permission(_PLACES, "source-not-allowed"),
    m.RemoveDevice: Permission(_LEAD, "lead-only"),
    m.Readmit: Permission(_LEAD, "lead-only"),
    m.EndLesson: Permission(_LEAD, "lead-only"),
}


def refusal_of(
    message: type[m.Request], role: Role, mode: Mode, *, in_person: bool = True
) -> str | None:
    """Why this role may not send this message in this mode; None when it may.

    A room's device at the lead's seat (`in_person` is false) may do what any room may there, and so
    may a lead who has not entered: what only leads do is for the person who leads.
    """
    permission = PERMISSIONS[message]
    roles = permission.roles | (permission.research if mode is Mode.RESEARCH else frozenset())
    allowed = role in roles and (in_person or role is not Role.LEAD or Role.ROOM in roles)
    return None if allowed else permission.refusal


def is_staff(role: Role) -> bool:
    """Whether this role runs the lesson."""
    return role in _STAFF


# --- whose sound and shared screen go to the others ------------------------------------------


class Gate(StrEnum):
    """When a seat's sound (or shared screen) goes to the others."""

    OPEN = "open"
    WITH_FLOOR = "with the floor"
    SHUT = "never"


_SILENT = {Role.ASSISTANT: Gate.SHUT, Role.OBSERVER: Gate.SHUT}

SOUND: dict[Mode, dict[Role, Gate]] = {
    Mode.BLENDED: {Role.LEAD: Gate.OPEN, Role.ROOM: Gate.OPEN, **_SILENT},
    Mode.DELIVERY: {Role.LEAD: Gate.OPEN, Role.ROOM: Gate.WITH_FLOOR, **_SILENT},
    Mode.RESEARCH: {Role.LEAD: Gate.OPEN, Role.ROOM: Gate.OPEN, **_SILENT},
}

SCREEN: dict[Mode, dict[Role, Gate]] = {
    Mode.BLENDED: {Role.LEAD: Gate.OPEN, Role.ROOM: Gate.OPEN, **_SILENT},
    Mode.DELIVERY: {Role.LEAD: Gate.OPEN, Role.ROOM: Gate.WITH_FLOOR, **_SILENT},
    Mode.RESEARCH: {Role.LEAD: Gate.OPEN, Role.ROOM: Gate.OPEN, **_SILENT},
}


def may_send(source: Source, *, mode: Mode, role: Role, has_floor: bool) -> bool:
    """Whether a seat's source may be on its way to the others now (mutes apart)."""
    if source is Source.ROOM:
        gate = SOUND[mode][role]
    elif source is Source.SCREEN:
        gate = SCREEN[mode][role]
    else:
        gate = Gate.OPEN if role in _PLACES else Gate.SHUT
    return gate is Gate.OPEN or (gate is Gate.WITH_FLOOR and has_floor)


def can_have_floor(mode: Mode, role: Role) -> bool:
    """Whether a seat can be given the floor: the rooms; in research the lead too."""
    return role is Role.ROOM or (mode is Mode.RESEARCH and role is Role.LEAD)


def can_sound(mode: Mode, role: Role) -> bool:
    """Whether a seat can ever be heard."""
    return SOUND[mode][role] is not Gate.SHUT
