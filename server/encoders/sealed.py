"""What must be kept readable for the server alone: cameras' addresses and logins, SRT passphrases,
and the addresses that lessons are pushed to.

Sealed by a key that is made from the data folder's (`join_token.key`): who reads the database, or a
copy of it, has not yet read them. AES-256-GCM (NIST SP 800-38D) with a nonce of its own for each;
the id of its row is bound in, so that none can be put in the place of another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import asdict, dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
# 25 signs of 5 bits: SRT takes 10 to 79, and people type it into boxes with a remote control.
_PASSPHRASE_SIGNS = 25


@dataclass(frozen=True, slots=True)
class CameraLogin:
    """Where a camera is asked, and as whom; `sub_url` is its small stream, if it is to have one."""

    url: str = field(repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    udp: bool = False
    sub_url: str = field(default="", repr=False)


class Seal:
    """Seals and opens; `key` is the data folder's."""

    def __init__(self, key: bytes) -> None:
        self._cameras = AESGCM(_derived(key, b"tongke camera logins"))
        self._pushes = AESGCM(_derived(key, b"tongke push addresses"))
        self._passphrases = _derived(key, b"tongke srt passphrases")

    def sealed(self, row_id: str, login: CameraLogin) -> str:
        """A camera's login as the database keeps it."""
        return _sealed(self._cameras, row_id, json.dumps(asdict(login)))

    def opened(self, row_id: str, sealed: str) -> CameraLogin | None:
        """The login again; None if it was sealed under another key, or for another row."""
        try:
            return CameraLogin(**json.loads(_opened(self._cameras, row_id, sealed) or ""))
        except (ValueError, TypeError):
            return None

    def sealed_address(self, row_id: str, address: str) -> str:
        """Where a lesson is pushed to, as the database keeps it."""
        return _sealed(self._pushes, row_id, address)

    def opened_address(self, row_id: str, sealed: str) -> str | None:
        """The address again; None if it was sealed under another key, or for another row."""
        return _opened(self._pushes, row_id, sealed)

    def passphrase(self, row_id: str) -> str:
        """The SRT passphrase of a key: the same each time, and kept nowhere."""
        digest = hmac.digest(self._passphrases, row_id.encode(), "sha256")
        return base64.b32encode(digest).decode().lower()[:_PASSPHRASE_SIGNS]


def _sealed(aead: AESGCM, row_id: str, text: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    data = nonce + aead.encrypt(nonce, text.encode(), row_id.encode())
    return base64.b64encode(data).decode()


def _opened(aead: AESGCM, row_id: str, sealed: str) -> str | None:
    try:
        data = base64.b64decode(sealed, validate=True)
        nonce, rest = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
        return aead.decrypt(nonce, rest, row_id.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, hashlib.sha256)
