"""What can go wrong with a simulated seat, beside what can go wrong with any device
(`signaling.client.errors`).

SimulateError
├── MediaFileRefused   the file given cannot be played
└── ServerRefused      the server does not do what an administrator asks of it
    └── ServerAway     it does not answer at all
"""

from __future__ import annotations


class SimulateError(Exception):
    """Anything this package raises on purpose; the text is for people."""


class MediaFileRefused(SimulateError):  # noqa: N818 - a refusal is no error of ours
    """The media file cannot be read, or holds neither picture nor sound."""


class ServerRefused(SimulateError):  # noqa: N818 - as above
    """The server does not answer an administrator, or says no."""


class ServerAway(ServerRefused):
    """The server cannot be reached, or does not answer in time."""
