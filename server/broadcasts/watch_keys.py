"""By what a player is let in: an address that proves for whom it was made.

A player can show no cookie and type no password: what it is given is an address. Its key names the
lesson and whoever asked for it, and is proved by the server's own secret (HMAC, RFC 2104): nothing
of it is kept, and after a restart it is as good as before. It opens that one lesson, while it is
live and its bearer has not been put out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

# 128 bits: nobody guesses one in a lesson's time, nor in the earth's.
_PROOF_BYTES = 16
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Watcher:
    """For whom a key was made (`signaling.ports.Bearer.bearer_id`), and for which lesson."""

    lesson_id: str
    bearer_id: str


class WatchKeys:
    """Makes keys and reads them."""

    def __init__(self, secret: bytes) -> None:
        # Of its own: what proves a join token proves no key, and the other way round.
        self._secret = hmac.digest(secret, b"tongke watch keys", hashlib.sha256)

    def issue(self, watcher: Watcher) -> str:
        """The key as it stands in an address."""
        named = _packed(f"{watcher.lesson_id}\n{watcher.bearer_id}".encode())
        return f"{named}.{_packed(self._proof(named))}"

    def read(self, key: str) -> Watcher | None:
        """For whom it was made; None for what was not made here."""
        named, dot, proof = key.partition(".")
        if len(key) > _LONGEST or not dot or not key.isascii():
            return None
        if not hmac.compare_digest(_packed(self._proof(named)), proof):
            return None
        lesson_id, _, bearer_id = _unpacked(named).decode().partition("\n")
        return Watcher(lesson_id, bearer_id)

    def _proof(self, named: str) -> bytes:
        return hmac.digest(self._secret, named.encode(), hashlib.sha256)[:_PROOF_BYTES]


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
