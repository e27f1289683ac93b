"""The little that a lesson reads in an SDP: which m-lines there are and what they carry.

Owns no negotiation and no grammar: the media core's reader is asked (`mixer.sdp`), and the media
core reads the offer whole. This much is known here so that a wrong naming of sources is refused
before the media core is touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.errors import SdpRefused
from mixer.sdp import parse
from signaling.errors import LessonRefusal

_MAX_MEDIA = 32  # m-lines; a device sends at most 8 sources and browsers keep stopped ones


@dataclass(frozen=True, slots=True)
class OfferedMLine:
    """One m-line: its `mid`, `audio`, `video` or another kind, and whether it may send."""

    mid: str
    kind: str
    sends: bool


def offered_m_lines(sdp: str) -> list[OfferedMLine]:
    """The m-lines of a description in order; raises `LessonRefusal("bad-sdp")` if it is none.

    An m-line without a mid (some encoders send none) has its position for one.
    """
    try:
        media = parse(sdp).media
    except SdpRefused:
        raise LessonRefusal("bad-sdp") from None
    if len(media) > _MAX_MEDIA:
        raise LessonRefusal("bad-sdp")
    return [
        OfferedMLine(
            line.name,
            line.kind,
            not line.rejected and line.direction in ("sendrecv", "sendonly"),
        )
        for line in media
    ]
