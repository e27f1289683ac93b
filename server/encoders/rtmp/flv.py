"""FLV out of an encoder's messages (Adobe Flash Video file format 10.1, annex E).

RTMP's media messages are the bodies of FLV's tags: only their headers are written here. What a
reader needs first is kept: the codecs' own headers (§E.4.3.1, §E.4.2.2), which come once.
"""

from __future__ import annotations

import struct

from server.encoders.rtmp import chunks
from server.encoders.rtmp.chunks import RtmpMessage

_HAS_SOUND, _HAS_PICTURE = 4, 1
_AVC, _AAC = 7, 10


def file_header(*, sound: bool, picture: bool) -> bytes:
    """What an FLV file begins with; it says which of both is in it."""
    flags = (_HAS_SOUND if sound else 0) | (_HAS_PICTURE if picture else 0)
    return b"FLV\x01" + bytes((flags,)) + struct.pack("!II", 9, 0)


def tag(message: RtmpMessage) -> bytes:
    """One message as a tag, with the size of it behind."""
    size = len(message.payload)
    time = message.timestamp
    head = (
        bytes((message.kind,))
        + size.to_bytes(3, "big")
        + (time & 0xFF_FFFF).to_bytes(3, "big")
        + bytes((time >> 24 & 0xFF, 0, 0, 0))
    )
    return head + message.payload + struct.pack("!I", size + 11)


def is_codec_header(message: RtmpMessage) -> bool:
    """Whether it is what the codec's reader needs first."""
    body = message.payload
    if message.kind == chunks.VIDEO:
        return len(body) > 1 and body[0] & 0x0F == _AVC and body[1] == 0
    return len(body) > 1 and body[0] >> 4 == _AAC and body[1] == 0


def codec_fault(message: RtmpMessage) -> str:
    """Why this is not what is taken here, as `picture-codec` or `sound-codec`; else empty.

    Only H.264 goes to browsers as it is; enhanced RTMP's four letters (HEVC, AV1) have the top bit.
    """
    body = message.payload
    if not body:
        return ""
    if message.kind == chunks.VIDEO and (body[0] & 0x80 or body[0] & 0x0F != _AVC):
        return "picture-codec"
    return ""
