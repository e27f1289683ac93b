"""VP8 frames into RTP payloads: the way out, as `vp8` is the way in.

RFC 7741 §4.2: a descriptor before each piece of a frame, with a picture id of 15 bits, by which
whoever forwards it keeps layers apart and a receiver sees what it has missed. Sans-IO.
"""

from __future__ import annotations

import random

from mixer.rtp.h264_payloads import MOST_PAYLOAD_BYTES
from mixer.rtp.vp8 import Vp8Descriptor

_PICTURE_IDS = 1 << 15


class Vp8Payloads:
    """The state of one stream."""

    def __init__(self) -> None:
        self._picture_id = random.getrandbits(15)  # §4.2: it begins anywhere

    def of(self, frame: bytes, most_bytes: int = MOST_PAYLOAD_BYTES) -> list[bytes]:
        """What to send of one frame, in order; the last one's packet bears the marker.

        All are of about the same size: the last one is as dear to send as the first.
        """
        if not frame:
            return []
        self._picture_id = (self._picture_id + 1) % _PICTURE_IDS
        first, others = (self._descriptor(begins=begins) for begins in (True, False))
        count = -(-len(frame) // (most_bytes - len(first)))
        size = -(-len(frame) // count)
        return [
            (others if at else first) + frame[at : at + size] for at in range(0, len(frame), size)
        ]

    def _descriptor(self, *, begins: bool) -> bytes:
        return Vp8Descriptor(
            start_of_partition=begins, partition_index=0, picture_id=self._picture_id
        ).serialize()
