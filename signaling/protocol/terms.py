"""The words of the lesson protocol: what a lesson, a seat, a device and a close can be.

Each is a closed set of values that goes over the wire. `messages` re-exports them all;
`messages.ts` has them as unions of literals.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Literal

# Why a lesson ended: its lead, a colleague or an administrator ended it, the server did, nobody led
# it (or was there) for too long, nobody led it and another lesson needed its rooms, or it reached
# the longest length there is.
EndReason = Literal[
    "by-lead", "by-colleague", "by-administrator", "by-server", "timed-out", "made-way", "too-long"
]


class Mode(StrEnum):
    """What kind of lesson: its defaults follow from it."""

    BLENDED = "blended"
    DELIVERY = "delivery"
    RESEARCH = "research"


class Role(StrEnum):
    """What a seat is in a lesson."""

    LEAD = "lead"
    ROOM = "room"
    ASSISTANT = "assistant"
    OBSERVER = "observer"


class Source(StrEnum):
    """What a seat sends: four pictures and the room's sound."""

    TEACHER = "teacher"
    STUDENTS = "students"
    BOARD = "board"
    SCREEN = "screen"
    ROOM = "room"


class LessonSource(StrEnum):
    """What the lesson itself sends, and no seat: its program, made of what the seats send."""

    PROGRAM = "program"  # the composited picture
    MIX = "mix"  # the mixed sound


class VideoCodec(StrEnum):
    """What a picture is sent as, best first. Every browser has VP8 (RFC 7742 §5), not all H.264."""

    H264 = "H264"
    VP8 = "VP8"


class PictureFault(StrEnum):
    """How a picture is coded that not all browsers can show as it is."""

    B_FRAMES = "b-frames"  # only those pictures are shown that need no later one
    INTERLACED = "interlaced"  # black in some browsers


class Layout(StrEnum):
    """How the others stand on a room's screen and in the program, as the lead says."""

    SPEAKER = "speaker"  # the lead (or the spotlight) large, the others in a strip
    WALL = "wall"  # all equal
    SCREEN = "screen"  # the shared screen or board large, the teacher first beside it
    LEAD_AND_SCREEN = "lead-and-screen"  # both to be seen well, nobody else
    SPOTLIGHT = "spotlight"  # one picture alone: the spotlight's, else the lead's
    DIALOGUE = "dialogue"  # two side by side: the lead, and the spotlight or the first room
    FOUR = "four"  # the first four, two by two


class Directing(StrEnum):
    """How much the director of the program decides by itself."""

    AUTOMATIC = "automatic"  # all, until the lead has chosen something
    SEMI_AUTOMATIC = "semi-automatic"  # floor and screen; a choice stands until the floor changes
    MANUAL = "manual"  # nothing, but that nobody who is away is large


class ProgramStanding(StrEnum):
    """Where a lesson's program stands: its one picture and one sound, made on the server."""

    NONE = "none"  # this server makes none
    IDLE = "idle"  # it is made as soon as somebody takes it
    STARTING = "starting"  # its streams are about to come
    RUNNING = "running"
    FULL = "full"  # this server makes as many for other lessons as it may
    FAILED = "failed"  # it cannot be made for the moment; it is tried again


class LinkQuality(StrEnum):
    """A seat's line, in a word."""

    GOOD = "good"
    WEAK = "weak"
    LOST = "lost"


class DeviceKind(StrEnum):
    """What joined."""

    BROWSER = "browser"
    ROOM_PC = "room_pc"
    TABLET = "tablet"
    ENCODER = "encoder"  # WHIP
    PLAYER = "player"  # WHEP
    SIMULATED = "simulated"


class RemovalCode(StrEnum):
    """Why a device was put out of a lesson; its bearer is refused with this code from then on."""

    BY_LEAD = "removed-by-lead"
    BY_ADMINISTRATOR = "removed-by-administrator"
    ACCOUNT_DELETED = "account-deleted"
    CREDENTIAL_REVOKED = "credential-revoked"
    TAKEN_OVER = "taken-over"  # another teacher leads the lesson now
    NOT_ADMITTED = "not-admitted"  # their school takes no part any more, or they are of another


class CloseCode(IntEnum):
    """Why the server closes the WebSocket. After a code of 4100 and above do not come back by
    yourself; after any other, or none, come back with `resume` at once, then ever slower.
    """

    SERVER_RESTARTS = 1012  # RFC 6455's registry: service restart
    TOO_SLOW = 4001  # messages for this device piled up unread
    SILENT = 4002  # no message, no ping for too long
    LESSON_FAILED = 4003  # a fault of the server; the lesson is restored from its saved state
    JOIN_TIMED_OUT = 4004  # no `join` in time
    REFUSED = 4100  # the join was refused; the `Refused` before says why
    REPLACED = 4101  # the same device, or who leads, is here on another connection
    LESSON_ENDED = 4102  # for all; `lesson_ended` before says why
    LEFT = 4103  # the answer to `leave`
    ABUSE = 4104  # too many bad messages
    REMOVED = 4105  # put out of the lesson; the `removed` before says why
