"""Join tokens: short-lived signed proofs of who may take which seat (JWT, RFC 7519, HS256).

A token says lesson, seat, role and name, to whom it was given, and for how long it opens the door;
once inside, the device goes on with signaling's resume key. The signing key is made at the first
start and kept in the data folder. A token signed by another server is told apart by its key's id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from server.ids import new_id
from signaling.errors import TokenFault, TokenRefused
from signaling.ports import Bearer, Identity
from signaling.protocol.messages import Role

_ALGORITHM = "HS256"
_ISSUER = "tongke"
_AUDIENCE = "lesson"
_LEEWAY_S = 5.0  # several servers of one region need not agree to the second
_WORDS = ("lesson", "seat", "role", "name", "sub", "bearer")
_LONGEST = 4096  # signaling's own limit for a token


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A token and when it stops opening the door."""

    token: str
    expires_at: float


class JoinTokens:
    """Issues join tokens, and checks them (`signaling.ports.Tokens`)."""

    def __init__(self, key: bytes, *, life_s: float) -> None:
        self._key = OctKey.import_key(key)
        self._key_id = hashlib.sha256(key).hexdigest()[:16]
        self._life_s = life_s

    def issue(self, identity: Identity, now: float) -> JoinToken:
        """A token for this seat, from now."""
        expires_at = now + self._life_s
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "jti": new_id(),
            "iat": int(now),
            "exp": int(expires_at),
            "lesson": identity.lesson_id,
            "seat": identity.seat_id,
            "role": identity.role.value,
            "name": identity.name,
            "sub": identity.bearer.bearer_id,
            "bearer": identity.bearer.name,
            "device": identity.bearer.room_device,
        }
        header = {"alg": _ALGORITHM, "kid": self._key_id}
        token = jwt.encode(header, claims, self._key, algorithms=[_ALGORITHM])
        return JoinToken(token, expires_at)

    def verify(self, token: str, now: float) -> Identity:
        """Who this token proves its bearer to be.

        Raises `TokenRefused`: `token-invalid` (malformed, forged, not for lessons),
        `token-foreign` (signed with another server's key), `token-expired`.
        """
        if len(token) > _LONGEST:
            raise TokenRefused
        try:
            found = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError):
            raise TokenRefused(self._why(token)) from None
        claims = found.claims
        if claims.get("iss") != _ISSUER or claims.get("aud") != _AUDIENCE:
            raise TokenRefused
        expires_at = claims.get("exp")
        if isinstance(expires_at, bool) or not isinstance(expires_at, int):
            raise TokenRefused
        if now > expires_at + _LEEWAY_S:
            raise TokenRefused("token-expired")
        words = [claims.get(name) for name in _WORDS]
        if not all(isinstance(word, str) and word for word in words):
            raise TokenRefused
        lesson_id, seat_id, role, name, bearer_id, bearer = map(str, words)
        room_device = claims.get("device")
        if role not in set(Role) or not isinstance(room_device, bool):
            raise TokenRefused
        return Identity(
            lesson_id=lesson_id,
            seat_id=seat_id,
            role=Role(role),
            name=name,
            bearer=Bearer(bearer_id, bearer, room_device),
        )

    def _why(self, token: str) -> TokenFault:
        """Whether a token that does not verify names another key than ours.

        The header is believed for this one word only: it is not signed by us.
        """
        try:
            key_id = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, TypeError, KeyError):
            return "token-invalid"
        foreign = isinstance(key_id, str) and key_id != self._key_id
        return "token-foreign" if foreign else "token-invalid"
