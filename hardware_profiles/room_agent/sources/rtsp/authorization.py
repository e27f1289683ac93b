"""Who is asking: answers to a camera's challenge.

RFC 7616 (Digest with MD5 and SHA-256, their session variants, `qop=auth` or none as RFC 2069 had
it), RFC 7617 (Basic), RFC 2326 §D.1 (RTSP takes both from HTTP). The strongest that both know is
taken; Basic, which shows the password to the whole network, only where nothing else is offered.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

_ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}  # the strongest first
_SCHEME = re.compile(r"(?:^|,)\s*(Digest|Basic)(?=\s|$)", re.IGNORECASE)
_PARAMETER = re.compile(r"""([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")


@dataclass(frozen=True, slots=True)
class Login:
    """A camera's user and password. Prints as nothing."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way that a camera offers."""

    scheme: str  # "digest" or "basic"
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = "MD5"
    session: bool = False
    qop_auth: bool = False
    stale: bool = False


def strongest(challenges: Iterable[str]) -> Challenge | None:
    """Of all `WWW-Authenticate` values the best that we know; None when we know none."""
    offered = [one for text in challenges for one in _challenges(text)]
    for algorithm in _ALGORITHMS:
        for one in offered:
            if one.scheme == "digest" and one.algorithm == algorithm:
                return one
    return next((one for one in offered if one.scheme == "basic"), None)


def _challenges(text: str) -> Iterable[Challenge]:
    marks = list(_SCHEME.finditer(text))
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(text)
        given = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
            for name, quoted, bare in _PARAMETER.findall(text, mark.end(), end)
        }
        if any(not value.isprintable() for value in given.values()):
            continue
        algorithm = given.get("algorithm", "MD5").upper()
        session = algorithm.endswith("-SESS")
        qop = [word.strip().lower() for word in given.get("qop", "").split(",")]
        if qop != [""] and "auth" not in qop:
            continue  # auth-int alone: no camera's, and we do not know it
        yield Challenge(
            scheme=mark.group(1).lower(),
            realm=given.get("realm", ""),
            nonce=given.get("nonce", ""),
            opaque=given.get("opaque"),
            algorithm=algorithm.removesuffix("-SESS"),
            session=session,
            qop_auth="auth" in qop,
            stale=given.get("stale", "").lower() == "true",
        )


class Authorization:
    """Answers to one challenge, request after request."""

    def __init__(self, challenge: Challenge, login: Login, rng: Random) -> None:
        self.challenge = challenge
        self._login = login
        self._count = 0
        self._client_nonce = f"{rng.getrandbits(64):016x}"

    def value(self, method: str, url: str) -> str:
        """The `Authorization` field for this request."""
        if self.challenge.scheme == "basic":
            pair = f"{self._login.user}:{self._login.password}"
            return "Basic " + base64.b64encode(pair.encode()).decode()
        return self._digest(method, url)

    def _digest(self, method: str, url: str) -> str:
        challenge = self.challenge
        self._count += 1
        count = f"{self._count:08x}"
        secret = self._hash(f"{self._login.user}:{challenge.realm}:{self._login.password}")
        if challenge.session:
            secret = self._hash(f"{secret}:{challenge.nonce}:{self._client_nonce}")
        asked = self._hash(f"{method}:{url}")
        middle = (
            f"{challenge.nonce}:{count}:{self._client_nonce}:auth"
            if challenge.qop_auth
            else challenge.nonce
        )
        parts = {
            "username": _quoted(self._login.user),
            "realm": _quoted(challenge.realm),
            "nonce": _quoted(challenge.nonce),
            "uri": _quoted(url),
            "response": _quoted(self._hash(f"{secret}:{middle}:{asked}")),
        }
        if challenge.algorithm != "MD5" or challenge.session:
            parts["algorithm"] = challenge.algorithm + ("-sess" if challenge.session else "")
        if challenge.opaque is not None:
            parts["opaque"] = _quoted(challenge.opaque)
        if challenge.qop_auth:
            parts |= {"qop": "auth", "nc": count, "cnonce": _quoted(self._client_nonce)}
        elif challenge.session:
            parts["cnonce"] = _quoted(self._client_nonce)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in parts.items())

    def _hash(self, text: str) -> str:
        name = _ALGORITHMS[self.challenge.algorithm]
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
