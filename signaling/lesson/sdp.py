"""The little that a lesson reads in an SDP: which m-lines there are and what they carry.

Owns no negotiation: the media core parses the offer whole. This much is read here so that a
wrong naming of sources is refused before the media core is touched (RFC 8866 §5.14, RFC 8843 §15
for `mid`).
"""

from __future__ import annotations

from dataclasses import dataclass

from signaling.errors import Refusal

_MAX_MEDIA = 32  # m-lines; a device sends at most 8 sources and browsers keep stopped ones


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One m-line: its `mid`, `audio`, `video` or another kind, and whether it may send."""

    mid: str
    kind: str
    sends: bool


def media_lines(sdp: str) -> list[MediaLine]:
    """The m-lines of a description in order; raises `Refusal("bad-sdp")` if it is none.

    An m-line without a mid (some encoders send none) gets its index for one, as the media core
    does.
    """
    if not sdp.startswith("v=0"):
        raise Refusal("bad-sdp")
    kinds: list[str] = []
    mids: list[str | None] = []
    sends: list[bool] = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            kinds.append(line[2:].split(" ", 1)[0])
            mids.append(None)
            sends.append(True)
        elif line.startswith("a=mid:") and mids:
            mids[-1] = line[6:].strip()
        elif line.strip() in ("a=recvonly", "a=inactive") and sends:
            sends[-1] = False
    if not kinds or len(kinds) > _MAX_MEDIA:
        raise Refusal("bad-sdp")
    lines = [
        MediaLine(str(index) if mid is None else mid, kind, flows)
        for index, (mid, kind, flows) in enumerate(zip(mids, kinds, sends, strict=True))
    ]
    if len({line.mid for line in lines}) != len(lines):
        raise Refusal("bad-sdp")
    return lines
