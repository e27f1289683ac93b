"""H.265 in RTP: single units, aggregates, fragments, keyframes.

RFC 7798 §4.4 (payload structures, without decoding order numbers: `sprop-max-don-diff` 0, as
cameras send), ITU-T H.265 table 7-1 (unit types). Nothing is decoded.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from mixer.rtp.errors import MalformedPacketError

_AGGREGATE, _FRAGMENT = 48, 49
_LAST_UNIT_TYPE = 47
_SETS = (32, 33, 34)  # video, sequence and picture parameter set
_KEYFRAMES = range(16, 22)  # BLA, IDR and CRA pictures


@dataclass(frozen=True, slots=True)
class UnitPart:
    """One NAL unit of a payload, whole or a part of it; the header is on its first part only."""

    type: int
    data: bytes
    start: bool = True
    end: bool = True

    @property
    def begins_group(self) -> bool:
        """Whether decoding may start with it."""
        return self.start and (self.type in _KEYFRAMES or self.is_set)

    @property
    def is_set(self) -> bool:
        """A parameter set."""
        return self.type in _SETS


def split(payload: bytes) -> tuple[UnitPart, ...]:
    """The units of one RTP payload. Raises `MalformedPacketError`."""
    if len(payload) < 3:
        raise MalformedPacketError("H265: a payload without a unit")
    kind = payload[0] >> 1 & 0x3F
    if kind <= _LAST_UNIT_TYPE:
        return (UnitPart(kind, payload),)
    if kind == _AGGREGATE:
        return tuple(_aggregated(payload))
    if kind == _FRAGMENT:
        return (_fragment(payload),)
    raise MalformedPacketError(f"H265: payload structure {kind}")


def described_sets(parameters: str) -> tuple[bytes, ...]:
    """The parameter sets of a description's `fmtp` (RFC 7798 §7.1); broken ones are none."""
    given = dict.fromkeys(("sprop-vps", "sprop-sps", "sprop-pps"), "")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() in given:
            given[name.lower()] = value
    units = []
    for text in ",".join(given.values()).split(","):
        try:
            unit = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            continue
        if len(unit) > 2 and unit[0] >> 1 & 0x3F in _SETS:
            units.append(unit)
    return tuple(units)


def _aggregated(payload: bytes) -> list[UnitPart]:
    parts = []
    at = 2
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        at += 2
        if size < 2 or at + size > len(payload):
            raise MalformedPacketError("H265: an aggregate that is cut off")
        kind = payload[at] >> 1 & 0x3F
        if kind > _LAST_UNIT_TYPE:
            raise MalformedPacketError("H265: an aggregate of aggregates")
        parts.append(UnitPart(kind, payload[at : at + size]))
        at += size
    return parts


def _fragment(payload: bytes) -> UnitPart:
    if len(payload) < 4:
        raise MalformedPacketError("H265: a fragment that is cut off")
    flags = payload[2]
    start, end, kind = bool(flags & 0x80), bool(flags & 0x40), flags & 0x3F
    if (start and end) or kind > _LAST_UNIT_TYPE:
        raise MalformedPacketError("H265: a fragment of no unit")
    body = payload[3:]
    if start:
        body = bytes([payload[0] & 0x81 | kind << 1, payload[1]]) + body
    return UnitPart(kind, body, start, end)
