"""The ICE part of a session description: trickled fragments and restarts (RFC 8840, RFC 9725 §4.3).

Owns reading a client's fragment, putting fresh ICE credentials into an offer that is known, and
writing the answer's fragment. All else in SDP is the media core's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from signaling.errors import Refusal

MEDIA_TYPE = "application/trickle-ice-sdpfrag"
_CREDENTIAL = re.compile(r"^a=ice-(ufrag|pwd):([A-Za-z0-9+/]+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """A ufrag and its password (RFC 8839 §5.4: 4–256 and 22–256 characters)."""

    ufrag: str
    pwd: str


def credentials_of(sdp: str) -> IceCredentials | None:
    """The first credentials in a description or fragment; None if it has none.

    Raises `Refusal("bad-sdp")` for one without the other or of an impossible length.
    """
    found: dict[str, str] = {}
    for match in _CREDENTIAL.finditer(sdp):
        found.setdefault(match[1], match[2])
    if not found:
        return None
    ufrag, pwd = found.get("ufrag", ""), found.get("pwd", "")
    if not (4 <= len(ufrag) <= 256 and 22 <= len(pwd) <= 256):
        raise Refusal("bad-sdp")
    return IceCredentials(ufrag, pwd)


def with_credentials(offer: str, credentials: IceCredentials) -> str:
    """A known offer as it is after an ICE restart: new credentials, no candidates of old."""
    lines = []
    for line in offer.splitlines():
        if line.startswith(("a=candidate:", "a=end-of-candidates")):
            continue
        if line.startswith("a=ice-ufrag:"):
            lines.append(f"a=ice-ufrag:{credentials.ufrag}")
        elif line.startswith("a=ice-pwd:"):
            lines.append(f"a=ice-pwd:{credentials.pwd}")
        else:
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def fragment_of(answer: str) -> str:
    """The answer's ICE part: credentials, the first m-line, its mid and candidates."""
    session: list[str] = []
    media: list[str] = []
    seen: set[str] = set()
    for line in answer.splitlines():
        if line.startswith("m="):
            if media:
                break  # one bundled transport: the first m-line has all of it
            media.append(line)
        elif line.startswith(("a=ice-ufrag:", "a=ice-pwd:", "a=ice-lite", "a=ice-options:")):
            if line not in seen:
                session.append(line)
                seen.add(line)
        elif media and line.startswith(("a=mid:", "a=candidate:", "a=end-of-candidates")):
            media.append(line)
    return "\r\n".join([*session, *media]) + "\r\n"
