"""What can go wrong for a client of the lesson protocol.

ClientError
├── SeatRefused        the server will not have this device, and asking again will not help
├── RequestRefused     the server refused one request; the lesson goes on
└── ServerLost         the server is gone for now; the device tries again by itself
"""

from __future__ import annotations

from signaling.client.sentences import Sentence
from signaling.protocol.messages import Refused


class ClientError(Exception):
    """Anything this package raises on purpose; `said` is for people, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.said = Sentence(zh, en)


class SeatRefused(ClientError):
    """Refused for good. `code` is the server's (of `signaling.protocol`, or an HTTP status)."""

    def __init__(self, code: str, en: str, zh: str) -> None:
        super().__init__(en, zh)
        self.code = code


class RequestRefused(ClientError):
    """The server refused a request; the lesson goes on."""

    def __init__(self, refused: Refused) -> None:
        code = refused.code
        super().__init__(f"{code}: {refused.message_en}", f"{code}：{refused.message_zh}")
        self.refused = refused


class ServerLost(ClientError):
    """The line to the server broke, or it does not answer."""
