"""The ICE part of a session description: trickled fragments and restarts (RFC 8840, RFC 9725 §4.3).

Owns reading a client's fragment, putting fresh ICE credentials into an offer that is known, and
writing the answer's fragment. What lines and credentials look like is the media core's to say
(`mixer.sdp`), so that a PATCH takes what the offer took.
"""

from __future__ import annotations

from mixer.sdp import ICE_PASSWORD, ICE_UFRAG, IceCredentials, lines_of
from signaling.errors import LessonRefusal

MEDIA_TYPE = "application/trickle-ice-sdpfrag"


def credentials_of(sdp: str) -> IceCredentials | None:
    """The credentials of a description or fragment; None if it has none.

    Those of its first m-section that has any go before the session's (RFC 8839 §5.4). Raises
    `LessonRefusal("bad-sdp")` for one without the other and for what can be neither.
    """
    levels: list[dict[str, str]] = [{}]
    for line in lines_of(sdp):
        if line.startswith("m="):
            levels.append({})
        elif line.startswith(("a=ice-ufrag:", "a=ice-pwd:")):
            name, _, value = line.partition(":")
            levels[-1].setdefault(name, value.strip())
    session, *sections = levels
    found = session | next((level for level in sections if level), {})
    if not found:
        return None
    ufrag, password = found.get("a=ice-ufrag", ""), found.get("a=ice-pwd", "")
    if ICE_UFRAG.fullmatch(ufrag) is None or ICE_PASSWORD.fullmatch(password) is None:
        raise LessonRefusal("bad-sdp")
    return IceCredentials(ufrag, password)


def with_credentials(offer: str, credentials: IceCredentials) -> str:
    """A known offer as it is after an ICE restart: new credentials, no candidates of old."""
    lines = []
    for line in lines_of(offer):
        if line.startswith(("a=candidate:", "a=end-of-candidates")):
            continue
        if line.startswith("a=ice-ufrag:"):
            lines.append(f"a=ice-ufrag:{credentials.ufrag}")
        elif line.startswith("a=ice-pwd:"):
            lines.append(f"a=ice-pwd:{credentials.password}")
        else:
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"


def fragment_of(answer: str) -> str:
    """The answer's ICE part: credentials, the first m-line, its mid and candidates."""
    session: list[str] = []
    media: list[str] = []
    seen: set[str] = set()
    for line in lines_of(answer):
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
