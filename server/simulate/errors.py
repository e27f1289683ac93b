"""What can go wrong with a simulated seat.

SimulateError
├── MediaFileRefused   the file given cannot be played
├── SeatRefused        the server will not have this seat, and asking again will not help
└── ConnectionLost     the server is gone for now; the seat tries again by itself
"""

from __future__ import annotations


class SimulateError(Exception):
    """Anything this package raises on purpose; the text is for people."""


class MediaFileRefused(SimulateError):  # noqa: N818 - a refusal is no error of ours
    """The media file cannot be read, or holds neither picture nor sound."""


class SeatRefused(SimulateError):  # noqa: N818 - as above
    """Refused for good. `code` is the server's (of `signaling.protocol`, or an HTTP status)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectionLost(SimulateError):  # noqa: N818 - named as what happened
    """The line to the server broke, or it does not answer."""
