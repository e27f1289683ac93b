"""What a lesson can be told: the inputs of `Lesson.handle`.

A *connection* is one WebSocket (or one WHIP/WHEP session), numbered by the driver; a *device* is
what stays the same when it comes back on another connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mixer.model import MediaEvent, ProducerInfo, PublishAnswer, SubscribeOffer
from signaling.log.entries import ShotTile
from signaling.ports import Identity
from signaling.protocol.messages import (
    ClientMessage,
    EndReason,
    Join,
    Layout,
    LessonSource,
    ProgramStanding,
    RemovalCode,
    Source,
)


@dataclass(frozen=True, slots=True)
class JoinRequested:
    """A connection's first message. The driver has verified the token and drawn the secrets.

    `identity` is None when the token had expired but a resume key came with it: the key alone may
    then bring its device back. `over_http` marks WHIP and WHEP devices, which have no socket to
    lose; `offers_sound` is False for those that cannot carry the room's sound.
    """

    connection: int
    identity: Identity | None
    join: Join
    device_id: str
    resume: str
    over_http: bool = False
    offers_sound: bool = True


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """Any later message of a connection."""

    connection: int
    message: ClientMessage


@dataclass(frozen=True, slots=True)
class SourceFed:
    """The server feeds the media core with a source of this connection's device.

    Its label says which `Source` it is. Refused, it is the caller's to end the feed.
    """

    connection: int
    producer: ProducerInfo
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlayRequested:
    """A WHEP player offers to receive one seat's picture and sound (the lead's by default).

    With a source of the lesson itself it receives that, and no seat is asked for.
    """

    connection: int
    sdp: str
    seat_id: str | None
    source: Source | LessonSource | None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """A connection is gone without a `leave`."""

    connection: int


@dataclass(frozen=True, slots=True)
class PublishAnswered:
    """The media core accepted a publish offer."""

    device_id: str
    sources: Mapping[str, Source]
    answer: PublishAnswer
    request_id: str | None


@dataclass(frozen=True, slots=True)
class SubscribeOffered:
    """The media core's answer to a subscribe: an offer, or None when nothing is to negotiate."""

    device_id: str
    offer: SubscribeOffer | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AnswerAccepted:
    """The media core took a device's subscribe answer."""

    device_id: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class PlayAnswered:
    """The media core accepted a player's offer."""

    device_id: str
    sdp: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """The media core refused or failed in a call for a device; `code` is a refusal's."""

    device_id: str
    call: Literal["publish", "subscribe", "answer", "play"]
    code: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class MediaReported:
    """The media core noticed something."""

    event: MediaEvent


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """The recorder started or stopped; `fault` says why it is not there, if it should be."""

    recording: bool
    fault: str = ""


@dataclass(frozen=True, slots=True)
class EndRequested:
    """The server ends the lesson (the timetable, an administrator)."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class RemovalRequested:
    """The server puts devices out; `code` is the refusal's that they are told.

    With `bars` their bearers are let in no more.
    """

    device_ids: tuple[str, ...]
    code: RemovalCode
    bars: bool


@dataclass(frozen=True, slots=True)
class ReadmissionRequested:
    """The server lets those in again who were put out of a seat."""

    seat_id: str


@dataclass(frozen=True, slots=True)
class LeadRenamed:
    """Another person leads the lesson from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class StreamAdded:
    """The server feeds the media core with a stream of the lesson itself.

    A mix with a seat is for that seat alone.
    """

    source: LessonSource
    producer: ProducerInfo
    seat_id: str | None = None


@dataclass(frozen=True, slots=True)
class StreamRemoved:
    """The server ends a stream of the lesson itself."""

    producer_id: str


@dataclass(frozen=True, slots=True)
class ProgramStands:
    """The server says where the lesson's program stands."""

    standing: ProgramStanding


@dataclass(frozen=True, slots=True)
class ProgramCut:
    """The program shows something else from now on."""

    layout: Layout
    why: str
    width: int
    height: int
    tiles: tuple[ShotTile, ...]


MediaAnswered = PublishAnswered | SubscribeOffered | AnswerAccepted | PlayAnswered | MediaFailed
Event = (
    JoinRequested
    | RequestReceived
    | SourceFed
    | PlayRequested
    | ConnectionLost
    | MediaAnswered
    | MediaReported
    | RecordingChanged
    | EndRequested
    | RemovalRequested
    | ReadmissionRequested
    | LeadRenamed
    | StreamAdded
    | StreamRemoved
    | ProgramStands
    | ProgramCut
)
