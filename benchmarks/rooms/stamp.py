"""The time that a picture bears: a message in the stream itself, which nobody on the way rewrites.

H.264 §D.1.6: an SEI unit with user data, in front of every picture. Digits, so that no byte of it
needs escaping. The clock is the machine's monotonic one: camera and server are on one machine.
"""

from __future__ import annotations

_UUID = b"tongke-benchmark"
_DIGITS = 20
# A stamp stands at its packet's beginning, or behind the parameter sets in an aggregate.
_WITHIN = 300


def stamp(now_ns: int) -> bytes:
    """The NAL unit."""
    body = _UUID + str(now_ns).zfill(_DIGITS).encode()
    return bytes((6, 5, len(body))) + body + b"\x80"


def read_stamp(payload: bytes) -> int | None:
    """The time in a payload, if it bears one."""
    at = payload.find(_UUID, 0, _WITHIN)
    digits = payload[at + len(_UUID) : at + len(_UUID) + _DIGITS] if at >= 0 else b""
    return int(digits) if digits.isdigit() else None
