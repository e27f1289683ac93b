"""What a stream says of its own pictures: how large they are, and whether they are interlaced.

Read from what its keyframes carry: the H.264 sequence parameter set (H.264 §7.3.2.1.1), the size in
a VP8 keyframe's header (RFC 6386 §9.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp import h264, vp8
from mixer.rtp.errors import MalformedPacketError


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """Width and height in pixels, as shown; `interlaced` pictures may be two fields each."""

    width: int
    height: int
    interlaced: bool = False


def read_picture_format(codec: str, data: bytes) -> PictureFormat | None:
    """From a sequence parameter set (`H264`) or the four bytes of a VP8 size; None if it has none.

    What a stranger sends may be anything: an impossible size is none.
    """
    try:
        if codec == "H264":
            width, height, interlaced = h264.sps_picture(data)
            return PictureFormat(width, height, interlaced)
        if codec == "VP8":
            return PictureFormat(*vp8.picture_size(data))
    except MalformedPacketError:
        pass
    return None
