"""What can be wrong with what a tap brings."""

from __future__ import annotations


class PayloadError(Exception):
    """An RTP payload that cannot be what its codec says; hostile or broken, never our own fault."""
