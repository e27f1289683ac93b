"""What can go wrong with a simulated seat, beside what can go wrong with any device
(`signaling.client.errors`).

SimulateError
├── WrongOptions       the command's options do not fit together
├── MediaFileRefused   the file given cannot be played
└── ServerRefused      the server does not do what an administrator asks of it
    └── ServerAway     it does not answer at all
"""

from __future__ import annotations

from server.errors import Text


class SimulateError(Exception):
    """Anything this package raises on purpose; the text is for people, in both languages."""

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(en)
        self.text = Text(zh or en, en)


class WrongOptions(SimulateError):
    """The options of the command do not fit together."""


class MediaFileRefused(SimulateError):
    """The media file cannot be read, or holds neither picture nor sound."""


class ServerRefused(SimulateError):
    """The server does not answer an administrator, or says no."""


class ServerAway(ServerRefused):
    """The server cannot be reached, or does not answer in time."""
