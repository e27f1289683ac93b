"""One H.264 access unit into RTP payloads: the way out, as `h264.split` is the way in.

RFC 6184, packetization mode 1: a NAL unit that fits goes by itself (§5.6), small ones that come
together go in one STAP-A (§5.7.1), large ones in FU-A fragments (§5.8). Parameter sets so travel in
one packet: whoever has it has both. Sans-IO.
"""

from __future__ import annotations

from mixer.rtp.h264 import FU_A, NAL_SEI, STAP_A

# With RTP, SRTP and UDP headers and a tunnel's this stays below every usual path's 1,280 bytes.
MOST_PAYLOAD_BYTES = 1200

_ACCESS_UNIT_DELIMITER = 9
# An encoder's name (SEI) and delimiters are of no use to a receiver of RTP.
_LEFT_OUT = frozenset({NAL_SEI, _ACCESS_UNIT_DELIMITER})


def nal_units(access_unit: bytes) -> list[bytes]:
    """The NAL units of a byte stream (H.264 annex B), without their start codes."""
    units = []
    at = access_unit.find(b"\0\0\1")
    while at >= 0:
        begin = at + 3
        at = access_unit.find(b"\0\0\1", begin)
        unit = access_unit[begin:] if at < 0 else access_unit[begin:at]
        # A start code may have four bytes, and zeros may follow a unit (§B.1.1): no unit ends so.
        if unit := unit.rstrip(b"\0"):
            units.append(unit)
    return units


def payloads(access_unit: bytes, most_bytes: int = MOST_PAYLOAD_BYTES) -> list[bytes]:
    """What to send of one picture, in order; the last one's packet bears the marker."""
    out: list[bytes] = []
    together: list[bytes] = []
    for unit in nal_units(access_unit):
        if unit[0] & 0x1F in _LEFT_OUT:
            continue
        if together and _aggregate_bytes([*together, unit]) > most_bytes:
            out.append(_aggregate(together))
            together = []
        if len(unit) > most_bytes:
            out += _fragments(unit, most_bytes)
        else:
            together.append(unit)
    if together:
        out.append(_aggregate(together))
    return out


def _aggregate_bytes(units: list[bytes]) -> int:
    return 1 + sum(2 + len(unit) for unit in units)


def _aggregate(units: list[bytes]) -> bytes:
    """One unit as it is, several as STAP-A, whose importance is that of its most important one."""
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    parts = [bytes([importance | STAP_A])]
    for unit in units:
        parts += [len(unit).to_bytes(2, "big"), unit]
    return b"".join(parts)


def _fragments(unit: bytes, most_bytes: int) -> list[bytes]:
    """FU-A, all of about the same size: the last one is as dear to send as the first."""
    body = memoryview(unit)[1:]
    count = -(-len(body) // (most_bytes - 2))
    size = -(-len(body) // count)
    indicator, kind = unit[0] & 0xE0 | FU_A, unit[0] & 0x1F
    return [
        bytes(
            [indicator, (0x80 if at == 0 else 0) | (0x40 if at + size >= len(body) else 0) | kind]
        )
        + body[at : at + size]
        for at in range(0, len(body), size)
    ]
