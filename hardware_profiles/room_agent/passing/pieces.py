"""Payloads cut to fit: what is larger than a packet may be goes in fragments (RFC 6184 §5.8).

A camera on the room's own network sends 1,400 bytes and more; with SRTP, IPv6, a tunnel and a
mobile network around them they would not arrive. Aggregates are taken apart, units cut. A unit
that comes in fragments leaves in fragments of our size: what is over of one goes with the next,
else each packet of the camera would be two of ours. It waits for no picture: the last takes all.
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


class Pieces:
    """One camera's payloads, fragment after fragment. What is `held` goes with the next one."""

    def __init__(self, most: int = MOST_PAYLOAD_BYTES) -> None:
        self._most = most
        self._held = bytearray()
        self._began = False  # the first of our own fragments of this unit has gone

    def forget(self) -> None:
        """What follows does not go on where it stopped."""
        self._held.clear()
        self._began = True

    def fit(self, payload: bytes, parts: tuple[NalPart, ...], *, last: bool) -> list[bytes]:
        """What to send of a payload now; after the `last` one of a picture nothing is held."""
        if payload[0] & 0x1F != FU_A:
            self.forget()
            return fitting(payload, parts, self._most)
        flags = payload[1]
        if flags & _START:
            self._held.clear()
            self._began = False
        head, kind, end = payload[0] & 0xE0, flags & 0x1F, bool(flags & _END)
        if not end and not last:
            return self.middle(head, kind, payload[2:])
        self._held += payload[2:]
        body, begun = bytes(self._held), self._began
        self.forget()
        if end and not begun and len(body) < self._most:
            return [bytes((head | kind,)) + body]
        return _fragments(head, kind, body, self._most, start=not begun, end=end)

    def middle(self, head: int, kind: int, body: bytes) -> list[bytes]:
        """What to send of a fragment's body, after which its unit goes on."""
        held, room = self._held, self._most - 2
        held += body
        out = []
        while len(held) > room:
            start = 0 if self._began else _START
            out.append(bytes((head | FU_A, start | kind)) + held[:room])
            del held[:room]
            self._began = True
        return out
