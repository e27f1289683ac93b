"""Payloads cut to fit: what is larger than a packet may be goes in fragments (RFC 6184 §5.8).

A camera on the room's own network sends 1,400 bytes and more; with SRTP, IPv6, a tunnel and a
mobile network around them they would not arrive. Fragments are cut smaller, aggregates taken apart;
nothing is put together, so nothing waits.
"""

from __future__ import annotations

from mixer.rtp.h264 import FU_A, STAP_A, NalPart

# As browsers packetise: with all headers below the 1,280 bytes that every line carries (RFC 8200).
MOST_PAYLOAD_BYTES = 1_200
_START, _END = 0x80, 0x40


def fitting(
    payload: bytes, parts: tuple[NalPart, ...], most: int = MOST_PAYLOAD_BYTES
) -> list[bytes]:
    """The payload as one or more of at most `most` bytes; `parts` are its own (`h264.split`)."""
    if len(payload) <= most:
        return [payload]
    kind = payload[0] & 0x1F
    if kind == FU_A:
        flags = payload[1]
        return _fragments(
            payload[0] & 0xE0,
            flags & 0x1F,
            payload[2:],
            most,
            start=bool(flags & _START),
            end=bool(flags & _END),
        )
    if kind == STAP_A:
        return [piece for part in parts for piece in fitting(part.data, (part,), most)]
    return _fragments(payload[0] & 0xE0, kind, payload[1:], most, start=True, end=True)


def _fragments(
    head: int, kind: int, body: bytes, most: int, *, start: bool, end: bool
) -> list[bytes]:
    """`body` in fragments of about one size: a last one of a few bytes costs as much as a whole."""
    room = most - 2
    count = -(-len(body) // room)
    size = -(-len(body) // count)
    out = []
    for at in range(0, len(body), size):
        flags = (_START if start and at == 0 else 0) | (
            _END if end and at + size >= len(body) else 0
        )
        out.append(bytes((head | FU_A, flags | kind)) + body[at : at + size])
    return out
