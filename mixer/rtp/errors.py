"""What can go wrong in `mixer.rtp`.

    RtpError
    └── MalformedPacketError   the bytes a peer sent are not what the RFC says

Every parser of this package raises `MalformedPacketError` for hostile or broken bytes, and nothing
else. A caller's own mistake (a value that does not fit its field) is a plain `ValueError`.
"""

from __future__ import annotations


class RtpError(Exception):
    """Root of this package's errors."""


class MalformedPacketError(RtpError):
    """A peer's bytes break the format; the message says which rule. Drop the packet, count it."""
