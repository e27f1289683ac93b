"""The exceptions of signaling.

    SignalingError
    ├── LessonRefusal       a request refused by a rule; nothing has changed
    │   └── TokenRefused    a join token that proves nothing
    └── StateUnreadable     a saved lesson that cannot be restored

What the media core raises is in `mixer.errors`. Every refusal has a stable code; its texts for
people are in `signaling.protocol.refusals`.
"""

from __future__ import annotations

from typing import Literal

TokenFault = Literal["token-invalid", "token-foreign", "token-expired"]


class SignalingError(Exception):
    """Anything this package raises on purpose."""


class LessonRefusal(SignalingError):
    """A request was refused. `code` is one of `signaling.protocol.refusals.REFUSALS`.

    `retry_after_s` is when to ask again, where that is known; for requests over HTTP.
    """

    def __init__(self, code: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


class TokenRefused(LessonRefusal):
    """A join token is forged, of another server or too old."""

    def __init__(self, code: TokenFault = "token-invalid") -> None:
        super().__init__(code)


class StateUnreadable(SignalingError):
    """A lesson's saved state is damaged or from an unknown version."""
