"""One check of the way to the media core, and its answer (RFC 8489, RFC 8445 §7.3). Sans-IO.

The server hands out credentials that lead nowhere (`GET /api/room/line`): a check made with them is
answered, and nothing is kept of it.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib

_MAGIC = 0x2112_A442
_REQUEST, _SUCCESS = 0x0001, 0x0101
_USERNAME, _INTEGRITY, _FINGERPRINT = 0x0006, 0x0008, 0x8028
_PRIORITY, _CONTROLLING = 0x0024, 0x802A
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_INTEGRITY_BYTES = 20
# RFC 8445 §5.1.2: that of a host's first address.
_HOST_PRIORITY = 2_130_706_431


def check(ufrag: str, password: str, transaction: bytes) -> bytes:
    """A request that the agent with these credentials answers; `transaction` is of 12 bytes."""
    attributes = (
        _attribute(_USERNAME, f"{ufrag}:doctor".encode())
        + _attribute(_PRIORITY, _HOST_PRIORITY.to_bytes(4, "big"))
        + _attribute(_CONTROLLING, transaction[:8])
    )
    covered = _headed(attributes, 4 + _INTEGRITY_BYTES, transaction)
    digest = hmac.new(password.encode(), covered, hashlib.sha1).digest()
    whole = _headed(attributes + _attribute(_INTEGRITY, digest), 8, transaction)
    return whole + _attribute(_FINGERPRINT, (zlib.crc32(whole) ^ 0x5354_554E).to_bytes(4, "big"))


def plain_request(transaction: bytes) -> bytes:
    """A request without credentials, which every STUN and TURN server answers (RFC 8489 §6)."""
    return _headed(b"", 0, transaction)


def answered(data: bytes) -> bytes | None:
    """The transaction that this datagram answers with success; None for anything else."""
    if len(data) < _HEADER.size:
        return None
    kind, length, magic, transaction = _HEADER.unpack_from(data)
    if kind != _SUCCESS or magic != _MAGIC or length != len(data) - _HEADER.size:
        return None
    return bytes(transaction)


def _headed(attributes: bytes, more: int, transaction: bytes) -> bytes:
    """The length counts what is still to come (RFC 8489 §14.5)."""
    return _HEADER.pack(_REQUEST, len(attributes) + more, _MAGIC, transaction) + attributes


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)
