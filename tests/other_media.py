"""H.265 and JPEG of counted pictures as cameras send them (RFC 7798, RFC 2435)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import cv2
import numpy as np

from tests.recorded_media import FRAME_RATE, counter_picture, nal_units

MTU = 1_100
WIDTH, HEIGHT = 320, 240
OWN_TABLES = 255  # Q of RFC 2435 §4.2: the tables come with every picture


class H265:
    """Types of NAL units (H.265 table 7-1)."""

    sets = (32, 33, 34)
    aggregate = 48
    fragment = 49


def encode_h265(count: int, *, keyframe_every: int = 25, first: int = 0) -> list[list[bytes]]:
    """The NAL units of each picture; parameter sets before every keyframe."""
    context = av.CodecContext.create("libx265", "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base = Fraction(1, FRAME_RATE)
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x265-params": f"keyint={keyframe_every}:min-keyint=1:scenecut=0:bframes=0:"
        "repeat-headers=1:log-level=none:pools=1:open-gop=0",
    }
    out: list[list[bytes]] = []
    for number in range(first, first + count):
        frame = av.VideoFrame.from_ndarray(counter_picture(number, WIDTH, HEIGHT), format="rgb24")
        frame.pts = number - first
        out += [nal_units(bytes(packet)) for packet in context.encode(frame)]
    return out + [nal_units(bytes(packet)) for packet in context.encode(None)]


def h265_payloads(units: list[bytes]) -> list[bytes]:
    """Small units together, large ones in fragments."""
    out: list[bytes] = []
    small: list[bytes] = []
    for unit in units:
        if len(unit) <= MTU // 4:
            small.append(unit)
            continue
        out += _together(small) + list(_fragments(unit))
        small = []
    return out + _together(small)


def _together(units: list[bytes]) -> list[bytes]:
    if len(units) < 2:
        return list(units)
    body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return [bytes((H265.aggregate << 1, 1)) + body]


def _fragments(unit: bytes) -> Iterator[bytes]:
    if len(unit) <= MTU:
        yield unit
        return
    kind, body, most = unit[0] >> 1 & 0x3F, unit[2:], MTU - 3
    for at in range(0, len(body), most):
        flags = (0x80 if at == 0 else 0) | (0x40 if at + most >= len(body) else 0)
        head = bytes((unit[0] & 0x81 | H265.fragment << 1, unit[1], flags | kind))
        yield head + body[at : at + most]


def jpeg_payloads(number: int, quality: int) -> list[bytes]:
    """One counted picture, of libjpeg; with its tables in the packets where `quality` is 255."""
    picture = counter_picture(number, WIDTH, HEIGHT)[:, :, ::-1]
    own = quality == OWN_TABLES
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, 70 if own else quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    done, encoded = cv2.imencode(".jpg", np.ascontiguousarray(picture), options)
    assert done
    tables, scan = _parts(bytes(encoded))
    quality_header = bytes((0, 0)) + len(tables).to_bytes(2, "big") + tables if own else b""
    out = []
    for at in range(0, len(scan), MTU):
        head = bytes(1) + at.to_bytes(3, "big") + bytes((1, quality, WIDTH // 8, HEIGHT // 8))
        out.append(head + (quality_header if at == 0 else b"") + scan[at : at + MTU])
    return out


def _parts(file: bytes) -> tuple[bytes, bytes]:
    """The quantization tables and the scan, up to the end's marker (T.81 annex B)."""
    tables, at = b"", 2
    while True:
        marker, size = file[at + 1], int.from_bytes(file[at + 2 : at + 4], "big")
        body = file[at + 4 : at + 2 + size]
        at += 2 + size
        if marker == 0xDB:
            for begin in range(0, len(body), 65):
                tables += body[begin + 1 : begin + 65]
        if marker == 0xDA:
            return tables, file[at:-2]
