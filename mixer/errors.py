"""What the media core refuses, and how it says so.

    MediaError
    ├── NodeFull           a limit of `NodeLimits` is reached; try another node or later
    ├── NodeUnavailable    the node cannot listen or is closed
    ├── LessonUnknown      no such lesson is open here
    ├── LessonOpen         a lesson of this id is open already
    ├── ProducerUnknown    no such producer in this lesson
    ├── DeviceUnknown      the device has no such connection
    ├── TapRefused         the tap's socket path cannot be used
    ├── FeedRefused        the feed's socket path, codec or layers cannot be used
    ├── NegotiationRefused
    │   ├── SdpRefused     the description lacks or breaks something; the text names it
    │   └── AnswerUnexpected   an answer came while no offer was out
    └── TransportFailed    the peer's DTLS handshake failed (wrong fingerprint, time-out, …)

All are raised before anything has changed: a refused call leaves no trace. The text is for the
log and for developers; signaling has its own words for people.
"""

from __future__ import annotations


class MediaError(Exception):
    """Anything the media core refuses."""


class NodeFull(MediaError):
    """A limit of `NodeLimits` is reached."""


class NodeUnavailable(MediaError):
    """The node cannot listen on its port, was not started, or is closed."""


class LessonUnknown(MediaError):
    """No such lesson is open on this node."""


class LessonOpen(MediaError):
    """A lesson of this id is open already."""


class ProducerUnknown(MediaError):
    """No such producer in this lesson."""


class DeviceUnknown(MediaError):
    """The device has no such connection in this lesson."""


class TapRefused(MediaError):
    """The tap's socket path cannot be used."""


class FeedRefused(MediaError):
    """The feed's socket path, codec or number of layers cannot be used."""


class NegotiationRefused(MediaError):
    """A session description cannot be accepted."""


class SdpRefused(NegotiationRefused):
    """The description is malformed or lacks something; the text says what and on which m-line."""


class AnswerUnexpected(NegotiationRefused):
    """An answer came while no offer was waiting for one."""


class TransportFailed(MediaError):
    """The peer's DTLS handshake failed."""
