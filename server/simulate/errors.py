"""What can go wrong with a simulated seat, beside what can go wrong with any device
(`signaling.client.errors`).

SimulateError
└── MediaFileRefused   the file given cannot be played
"""

from __future__ import annotations


class SimulateError(Exception):
    """Anything this package raises on purpose; the text is for people."""


class MediaFileRefused(SimulateError):  # noqa: N818 - a refusal is no error of ours
    """The media file cannot be read, or holds neither picture nor sound."""
