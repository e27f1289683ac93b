"""H.264 in RTP: single NAL units, STAP-A, FU-A, keyframes, parameter sets and picture size.

RFC 6184 §5 (payload structures; packetization modes 0 and 1), ITU-T H.264 §7.3.2.1 (sequence
parameter set). Only what forwarding and recording need is read; slices are never decoded.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError

NAL_SLICE = 1
NAL_IDR = 5
NAL_SEI = 6
NAL_SPS = 7
NAL_PPS = 8
STAP_A = 24
FU_A = 28
_RESERVED = frozenset({30, 31})  # RFC 6184 §5.2, table 1

_SEI_RECOVERY_POINT = 6

# Profiles whose SPS carries chroma format and scaling lists (H.264 §7.3.2.1.1).
HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(slots=True)
class NalPart:
    """One NAL unit of a payload, whole or a part of it.

    `data` begins with the NAL header (of a fragment: rebuilt, on its first part only).
    """

    type: int
    data: bytes
    start: bool = True
    end: bool = True


def split(payload: bytes) -> tuple[NalPart, ...]:
    """The NAL units in one RTP payload. Raises `MalformedPacketError`.

    STAP-B, MTAPs and FU-B belong to the interleaved mode, which we never negotiate: malformed.
    What is reserved is passed over, in an aggregate too: an extension's (PACSI of RFC 6190 is 30,
    and comes first in an aggregate).
    """
    if not payload:
        raise MalformedPacketError("H264: empty payload")
    kind = payload[0] & 0x1F
    if 1 <= kind <= 23:
        return (NalPart(kind, payload),)
    if kind == STAP_A:
        return _split_aggregate(payload)
    if kind == FU_A:
        return (_fragment(payload),)
    if kind in _RESERVED:
        return ()
    raise MalformedPacketError(f"H264: payload structure {kind} is not of modes 0 and 1")


def starts_keyframe(payload: bytes) -> bool:
    """Whether decoding may start at this payload: it holds an SPS, or starts an IDR picture.

    An SPS goes directly before its IDR slice in every encoder we meet; starting a stream there,
    not at the slice, gives the decoder its parameter sets. Raises `MalformedPacketError`.
    """
    return any(part.type in (NAL_SPS, NAL_IDR) and part.start for part in split(payload))


def tells_recovery_point(sei: bytes) -> bool:
    """Whether a whole SEI unit says that decoding may start at its picture (H.264 §D.1.8).

    Encoders that refresh their pictures little by little, or whose groups of pictures are open,
    send no IDR picture but their first. What cannot be read says nothing.
    """
    data = _without_emulation_prevention(sei[1:])
    at = 0
    while at + 2 < len(data):  # the last byte is the trailing bits
        kind = size = 0
        while at < len(data) and data[at] == 0xFF:
            kind, at = kind + 255, at + 1
        kind, at = kind + (data[at] if at < len(data) else 0), at + 1
        while at < len(data) and data[at] == 0xFF:
            size, at = size + 255, at + 1
        size, at = size + (data[at] if at < len(data) else 0), at + 1
        if kind == _SEI_RECOVERY_POINT:
            return True
        at += size
    return False


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The sequence and picture parameter sets found in payloads."""

    sps: bytes | None = None
    pps: bytes | None = None

    def updated(self, payload: bytes) -> ParameterSets:
        """With those of this payload in place of older ones. Raises `MalformedPacketError`."""
        sps, pps = self.sps, self.pps
        for part in split(payload):
            if part.start and part.end:
                sps = part.data if part.type == NAL_SPS else sps
                pps = part.data if part.type == NAL_PPS else pps
        return self if (sps is self.sps and pps is self.pps) else ParameterSets(sps, pps)


def sprop_parameter_sets(value: str) -> tuple[bytes, ...]:
    """The parameter sets of a description (RFC 6184 §8.1): base64, commas. Broken ones are none."""
    units = []
    for text in value.split(","):
        try:
            unit = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            continue
        if unit and unit[0] & 0x1F in (NAL_SPS, NAL_PPS):
            units.append(unit)
    return tuple(units)


def aggregate(units: Iterable[bytes]) -> bytes:
    """Whole NAL units in one payload (STAP-A, RFC 6184 §5.7.1); b"" of none."""
    parts = [len(unit).to_bytes(2, "big") + unit for unit in units]
    return bytes([0x60 | STAP_A]) + b"".join(parts) if parts else b""


def sps_size(sps: bytes) -> tuple[int, int]:
    """(width, height) as `sps_picture` tells them."""
    width, height, _interlaced = sps_picture(sps)
    return width, height


def sps_picture(sps: bytes) -> tuple[int, int, bool]:
    """(width, height, interlaced) in pixels after cropping, from a sequence parameter set with its
    NAL header. Interlaced is a stream whose pictures may be fields (frame_mbs_only_flag 0).

    Raises `MalformedPacketError` when the set is cut off, impossible, or larger than 16,384 pixels.
    """
    if len(sps) < 4 or sps[0] & 0x1F != NAL_SPS:
        raise MalformedPacketError("H264: not a sequence parameter set")
    bits = _Bits(_without_emulation_prevention(sps[1:]))
    profile = bits.fixed(8)
    bits.fixed(16)  # constraint flags and level
    bits.unsigned()  # seq_parameter_set_id
    chroma_format = 1
    separate_planes = 0
    if profile in HIGH_PROFILES:
        chroma_format, separate_planes = _skip_high_profile(bits)
    bits.unsigned()  # log2_max_frame_num_minus4
    _skip_picture_order_count(bits)
    bits.unsigned()  # max_num_ref_frames
    bits.fixed(1)  # gaps_in_frame_num_value_allowed_flag
    width_mbs = bits.unsigned() + 1
    height_units = bits.unsigned() + 1
    frame_mbs_only = bits.fixed(1)
    if not frame_mbs_only:
        bits.fixed(1)  # mb_adaptive_frame_field_flag
    bits.fixed(1)  # direct_8x8_inference_flag
    width = 16 * width_mbs
    height = 16 * height_units * (2 - frame_mbs_only)
    if bits.fixed(1):  # frame_cropping_flag
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        # Cropping counts in chroma samples (H.264 table 6-1), in field pairs when interlaced.
        chroma_array = 0 if separate_planes else chroma_format
        unit_x = 2 if chroma_array in (1, 2) else 1
        unit_y = (2 if chroma_array == 1 else 1) * (2 - frame_mbs_only)
        width -= unit_x * (left + right)
        height -= unit_y * (top + bottom)
    if not (0 < width <= 16_384 and 0 < height <= 16_384):
        raise MalformedPacketError(f"H264: a picture of {width}×{height}")
    return width, height, not frame_mbs_only


def _split_aggregate(payload: bytes) -> tuple[NalPart, ...]:
    parts = []
    at = 1
    while at < len(payload):
        if at + 2 > len(payload):
            raise MalformedPacketError("H264: STAP-A is cut off")
        size = int.from_bytes(payload[at : at + 2], "big")
        at += 2
        if size == 0 or at + size > len(payload):
            raise MalformedPacketError("H264: STAP-A is cut off")
        nal = payload[at : at + size]
        kind = nal[0] & 0x1F
        if kind not in _RESERVED:
            if not 1 <= kind <= 23:
                raise MalformedPacketError("H264: STAP-A holds no NAL unit")
            parts.append(NalPart(kind, nal))
        at += size
    if at == 1:
        raise MalformedPacketError("H264: empty STAP-A")
    return tuple(parts)


def _fragment(payload: bytes) -> NalPart:
    if len(payload) < 3:
        raise MalformedPacketError("H264: FU-A is cut off")
    start, end, kind = bool(payload[1] & 0x80), bool(payload[1] & 0x40), payload[1] & 0x1F
    if (start and end) or not 1 <= kind <= 23:
        raise MalformedPacketError("H264: FU-A of no NAL unit")
    body = payload[2:]
    if start:
        body = bytes([payload[0] & 0xE0 | kind]) + body
    return NalPart(kind, body, start, end)


def _without_emulation_prevention(data: bytes) -> bytes:
    """H.264 §7.4.1: a 3 after two zero bytes is not data."""
    return data.replace(b"\x00\x00\x03", b"\x00\x00")


def _skip_high_profile(bits: _Bits) -> tuple[int, int]:
    """Past the fields of the high profiles; (chroma_format_idc, separate_colour_plane_flag)."""
    chroma_format = bits.unsigned()
    if chroma_format > 3:
        raise MalformedPacketError("H264: impossible chroma format")
    separate_planes = bits.fixed(1) if chroma_format == 3 else 0
    bits.unsigned()  # bit_depth_luma_minus8
    bits.unsigned()  # bit_depth_chroma_minus8
    bits.fixed(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.fixed(1):  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma_format == 3 else 8):
            if bits.fixed(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma_format, separate_planes


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) & 0xFF
        last = following or last


def _skip_picture_order_count(bits: _Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.fixed(1)
        bits.signed()
        bits.signed()
        cycle = bits.unsigned()
        if cycle > 255:
            raise MalformedPacketError("H264: impossible picture order cycle")
        for _ in range(cycle):
            bits.signed()
    elif kind != 2:
        raise MalformedPacketError("H264: impossible picture order type")


class _Bits:
    """Reads bits, most significant first, and Exp-Golomb numbers (H.264 §9.1)."""

    __slots__ = ("_at", "_length", "_value")

    def __init__(self, data: bytes) -> None:
        # A parameter set has a few dozen bytes; 4 KiB bounds the work on hostile ones.
        self._value = int.from_bytes(data[:4096], "big")
        self._length = 8 * min(len(data), 4096)
        self._at = 0

    def fixed(self, count: int) -> int:
        if self._at + count > self._length:
            raise MalformedPacketError("H264: parameter set is cut off")
        self._at += count
        return self._value >> (self._length - self._at) & ((1 << count) - 1)

    def unsigned(self) -> int:
        zeros = 0
        while not self.fixed(1):
            zeros += 1
            if zeros > 32:
                raise MalformedPacketError("H264: Exp-Golomb number too long")
        return (1 << zeros) - 1 + (self.fixed(zeros) if zeros else 0)

    def signed(self) -> int:
        value = self.unsigned()
        return (value + 1) // 2 if value % 2 else -(value // 2)
