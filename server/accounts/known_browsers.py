"""Browsers that have signed in before: a cookie says so, and for which names, and nothing else.

The server keeps no list. An entry is a moment, a random number and their authentication code
together with a name; whoever has the cookie learns no name from it, and can make no entry. It
opens nothing: it only keeps strangers' guesses from counting against who has it
(`server.accounts.guessing`; OWASP: "device cookies"). Signing out leaves it where it is.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import struct

COOKIE = "tongke_known"
PATH = "/api/session"  # sent where somebody signs in, and nowhere else
LIFE_S = 180 * 86_400.0  # over the summer holidays
MOST_NAMES = 16  # at one browser: a staff room's PC, in 700 bytes
_ENTRY = struct.Struct(">I12s16s")
_TEXT = len(base64.urlsafe_b64encode(bytes(_ENTRY.size)))


class KnownBrowsers:
    """Reads and writes the cookie. `secret` is the server's; the key is derived from it."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"tongke known browsers", "sha256")

    def find(self, cookie: str, name: str, now: float) -> str | None:
        """Who this browser is, if it has signed in as `name` within `LIFE_S`; else None."""
        for entry in _entries(cookie):
            at, random, code = _ENTRY.unpack(entry)
            fresh = 0 <= now - at <= LIFE_S
            if hmac.compare_digest(code, self._code(at, random, name)) and fresh:
                return str(random.hex())
        return None

    def remember(self, cookie: str, name: str, now: float) -> str:
        """The cookie that says so of this name too; the names longest unused make room."""
        others = [
            entry
            for entry in _entries(cookie)
            if not hmac.compare_digest(_ENTRY.unpack(entry)[2], self._code(*_head(entry), name))
        ]
        at, random = int(now), secrets.token_bytes(12)
        mine = _ENTRY.pack(at, random, self._code(at, random, name))
        kept = [mine, *others][:MOST_NAMES]
        return ".".join(base64.urlsafe_b64encode(entry).decode() for entry in kept)

    def _code(self, at: int, random: bytes, name: str) -> bytes:
        message = struct.pack(">I12s", at, random) + name.encode()
        return hmac.digest(self._key, message, "sha256")[:16]


def _entries(cookie: str) -> list[bytes]:
    """What may be entries; a cookie is anybody's to write."""
    found = []
    for word in cookie.split(".", MOST_NAMES)[:MOST_NAMES]:
        if len(word) != _TEXT:
            continue
        try:
            entry = base64.b64decode(word, altchars=b"-_", validate=True)
        except ValueError:
            continue
        if len(entry) == _ENTRY.size:
            found.append(entry)
    return found


def _head(entry: bytes) -> tuple[int, bytes]:
    at, random, _ = _ENTRY.unpack(entry)
    return at, random
