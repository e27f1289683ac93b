"""What can be wrong with what a tap brings, or with what is said of it."""

from __future__ import annotations


class PayloadError(Exception):
    """An RTP payload that cannot be what its codec says; hostile or broken, never our own fault."""


class ControlError(ValueError):
    """A control line that is no message of ours: it changes nothing."""
