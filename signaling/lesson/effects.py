"""What a lesson asks to be done: the outputs of `Lesson.handle`, in the order to do them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mixer.model import SourceOffer, Want
from signaling.log.entries import AnyEntry
from signaling.protocol.messages import CloseCode, LessonSource, ServerMessage, Source


@dataclass(frozen=True, slots=True)
class Send:
    """A message to these connections."""

    connections: tuple[int, ...]
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close a connection after what was sent to it; it counts as gone already."""

    connection: int
    code: CloseCode


@dataclass(frozen=True, slots=True)
class MediaPublish:
    """Give the offer to the media core; feed `PublishAnswered` or `MediaFailed` back."""

    device_id: str
    sdp: str
    sources: Mapping[str, Source]
    offers: Mapping[str, SourceOffer]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class MediaUnpublish:
    """Stop a producer."""

    producer_id: str


@dataclass(frozen=True, slots=True)
class MediaSubscribe:
    """Let the media core offer these streams; feed `SubscribeOffered` or `MediaFailed` back."""

    device_id: str
    wants: tuple[Want, ...]
    restart: bool
    request_id: str | None


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """Give the answer to the media core; feed `AnswerAccepted` or `MediaFailed` back."""

    device_id: str
    sdp: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class MediaPlay:
    """Give a player's offer to the media core; feed `PlayAnswered` or `MediaFailed` back."""

    device_id: str
    sdp: str
    wants: tuple[Want, ...]
    request_id: str | None


@dataclass(frozen=True, slots=True)
class MediaPause:
    """Stop or resume forwarding a producer (a closed microphone is not sent to anyone)."""

    producer_id: str
    paused: bool


@dataclass(frozen=True, slots=True)
class MediaCloseDevice:
    """Close both peer connections of a device and forget its producers."""

    device_id: str


@dataclass(frozen=True, slots=True)
class ProducerAdded:
    """Tell the observers of a new stream; `seat_id` is empty for the lesson's own."""

    seat_id: str
    source: Source | LessonSource
    producer_id: str


@dataclass(frozen=True, slots=True)
class ProducerRemoved:
    """Tell the observers that a stream is gone."""

    producer_id: str


@dataclass(frozen=True, slots=True)
class WriteJournal:
    """One entry of the lesson's event log for the observers."""

    entry: AnyEntry


@dataclass(frozen=True, slots=True)
class Save:
    """The state has changed: keep a new `Lesson.save()` before long."""


@dataclass(frozen=True, slots=True)
class KeepBars:
    """Who is let in no more has changed, or whether the lesson is recorded: that is kept before
    anything after this is done.
    """


@dataclass(frozen=True, slots=True)
class CloseLesson:
    """The lesson is over: tell the store and the observers, close its media."""

    at: float
    reason: str


MediaCall = (
    MediaPublish
    | MediaUnpublish
    | MediaSubscribe
    | MediaAnswer
    | MediaPlay
    | MediaPause
    | MediaCloseDevice
)
Effect = (
    Send
    | CloseConnection
    | MediaCall
    | ProducerAdded
    | ProducerRemoved
    | WriteJournal
    | Save
    | KeepBars
    | CloseLesson
)
