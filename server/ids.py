"""Ids and secrets: short names for rows, long random strings for what must not be guessed."""

from __future__ import annotations

import hashlib
import secrets

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 signs, none that is read as another (l 1 o 0)
_ID_SIGNS = 12  # 60 bits: a county's rows in a century do not collide


def new_id() -> str:
    """A fresh row id: 12 lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_SIGNS))


def new_secret(prefix: str) -> str:
    """A fresh secret of 256 random bits; the prefix tells people what it is for."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def secret_hash(secret: str) -> str:
    """What is kept of a secret: SHA-256 in hex. Enough, because the secret itself is random."""
    return hashlib.sha256(secret.encode()).hexdigest()
