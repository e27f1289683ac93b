"""JPEG in RTP: scans in fragments, and the header that the packets leave out.

RFC 2435 §3.1 (payload), §4.1 (types), ITU-T T.81 annex B (markers) and K.1 (the usual quantization
tables). Huffman tables are always the usual ones of K.3, which every decoder of motion JPEG has:
they are not written. Pictures beyond 2,040 pixels have no size in such a packet and are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError

_HEADER_BYTES = 8
_RESTARTS = range(64, 128)
_TABLES_IN_BAND = 128
END = b"\xff\xd9"

# T.81 tables K.1 and K.2 in zigzag order, as a stream has them.
_LUMA = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933"
    "383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
)
_CHROMA = bytes.fromhex("11 12 12 18 15 18 2f 1a 1a 2f 63 42 38 42") + b"\x63" * 50


@dataclass(frozen=True, slots=True)
class Scan:
    """One packet's part of a picture. `tables` is of the first part alone, where it has them."""

    offset: int
    kind: int
    quality: int
    width: int
    height: int
    restart_interval: int
    tables: bytes
    data: bytes


def read(payload: bytes) -> Scan:
    """One RTP payload. Raises `MalformedPacketError`."""
    if len(payload) <= _HEADER_BYTES:
        raise MalformedPacketError("JPEG: a payload without a scan")
    offset, kind, quality = int.from_bytes(payload[1:4], "big"), payload[4], payload[5]
    width, height = 8 * payload[6], 8 * payload[7]
    if not width or not height or kind & 0x3F > 1 or kind >= _TABLES_IN_BAND:
        raise MalformedPacketError("JPEG: a picture of unknown size or kind")
    at = _HEADER_BYTES
    restart_interval = 0
    if kind in _RESTARTS:
        restart_interval = int.from_bytes(payload[at : at + 2], "big")
        at += 4
    tables = b""
    if quality >= _TABLES_IN_BAND and offset == 0:
        size = int.from_bytes(payload[at + 2 : at + 4], "big")
        tables = payload[at + 4 : at + 4 + size]
        if payload[at + 1 : at + 2] not in (b"\0", b"") or len(tables) != size:
            raise MalformedPacketError("JPEG: quantization tables of another kind")
        at += 4 + size
    if at >= len(payload):
        raise MalformedPacketError("JPEG: a payload without a scan")
    return Scan(offset, kind & 0x3F, quality, width, height, restart_interval, tables, payload[at:])


class JpegParts:
    """Puts scans together; in-band tables that come once hold on (§4.2, Q 128 to 254)."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._first: Scan | None = None
        self._parts: list[bytes] = []
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._bytes

    def add(self, payload: bytes) -> None:
        """The next part. Raises `MalformedPacketError` when it does not follow the one before."""
        scan = read(payload)
        if scan.offset == 0:
            self.forget()
            self._first = scan
            if scan.tables:
                self._known[scan.quality] = scan.tables
        elif self._first is None or scan.offset != self._bytes:
            self.forget()
            raise MalformedPacketError("JPEG: a part that does not follow")
        self._parts.append(scan.data)
        self._bytes += len(scan.data)

    def picture(self) -> bytes:
        """The whole picture, b"" when there is none; the next one begins."""
        first, body = self._first, b"".join(self._parts)
        self.forget()
        if first is None or not body:
            return b""
        tables = self._known.get(first.quality) or _usual_tables(first.quality)
        if len(tables) not in (64, 128):
            return b""
        return _head(first, tables) + body + (b"" if body.endswith(END) else END)

    def forget(self) -> None:
        self._first, self._parts, self._bytes = None, [], 0


def _usual_tables(quality: int) -> bytes:
    """Those of K.1 and K.2, scaled as §4.2 says for Q 1 to 99; b"" for others."""
    if not 1 <= quality <= 99:
        return b""
    factor = 5_000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(
        min(255, max(1, (value * factor + 50) // 100))
        for table in (_LUMA, _CHROMA)
        for value in table
    )


def _head(scan: Scan, tables: bytes) -> bytes:
    """From the start of the picture to the beginning of its scan (T.81 §B.2)."""
    chroma = 1 if len(tables) == 128 else 0
    out = b"\xff\xd8"
    for number in range(chroma + 1):
        out += _segment(0xDB, bytes([number]) + tables[64 * number : 64 * number + 64])
    if scan.restart_interval:
        out += _segment(0xDD, scan.restart_interval.to_bytes(2, "big"))
    luma_sampling = 0x21 if scan.kind == 0 else 0x22  # 4:2:2 or 4:2:0
    frame = b"\x08" + scan.height.to_bytes(2, "big") + scan.width.to_bytes(2, "big") + b"\x03"
    frame += bytes((0, luma_sampling, 0, 1, 0x11, chroma, 2, 0x11, chroma))
    out += _segment(0xC0, frame)
    return out + _segment(0xDA, bytes((3, 0, 0x00, 1, 0x11, 2, 0x11, 0, 63, 0)))


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
