"""What of H.264 browsers do not play: B-frames, interlaced pictures, more than 8 bits or 4:2:0.

ITU-T H.264 §7.3.3 (slice header), §7.4.2.1.1 and annex A (profiles). Such a picture shows keyframes
only, combs, or nothing; it has to be decoded and encoded again, or set otherwise at the camera.
"""

from __future__ import annotations

from enum import Enum

from mixer.rtp import h264

# High 10, High 4:2:2, High 4:4:4 and the professional ones.
_BASELINE, _MAIN, _EXTENDED, _HIGH = 66, 77, 88, 100
_PLAYED_PROFILES = frozenset({_BASELINE, _MAIN, _EXTENDED, _HIGH})


class Unfit(Enum):
    """Why a camera's picture cannot go as it is."""

    B_FRAMES = "b-frames"
    INTERLACED = "interlaced"
    DEPTH = "depth"
    H265 = "h265"
    JPEG = "jpeg"


def shows_b_frames(part: h264.NalPart) -> bool:
    """Whether this is the beginning of a picture whose first slice is a B slice.

    `first_mb_in_slice` 0 is the bit 1; `slice_type` 1 is 010, 6 is 00111 (Exp-Golomb, §9.1).
    """
    if part.type != h264.NAL_SLICE or not part.start or len(part.data) < 2:
        return False
    bits = part.data[1]
    return bits & 0b1111_0000 == 0b1010_0000 or bits & 0b1111_1100 == 0b1001_1100


def unfit_profile(sps: bytes) -> bool:
    """Whether a sequence parameter set is of a profile that browsers do not have."""
    return len(sps) > 1 and sps[1] not in _PLAYED_PROFILES
