"""STUN as an ICE-lite agent needs it: binding requests in, short answers out.

Owns: the cheap look at a datagram before anything is parsed, the reading of a binding request and
the writing of its three answers (RFC 8489 §5, §14; RFC 8445 §7.3). Whatever the bytes, one error
comes out. Every peer checks its pair every few seconds for a whole lesson, so a check costs one
walk over its attributes and two HMACs.

Leaves to `ice.py`: whose request it is, whether it may move the remote address, how often to
answer.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
from binascii import crc32
from functools import lru_cache
from typing import NamedTuple

# By UDP (host, port); by TCP (host, port, number of the connection).
Address = tuple[str, int] | tuple[str, int, int]

HEADER_BYTES = 20
MAGIC_COOKIE = b"\x21\x12\xa4\x42"
BINDING_REQUEST, BINDING_SUCCESS, BINDING_ERROR = b"\x00\x01", b"\x01\x01", b"\x01\x11"

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0006, 0x0008, 0x0009
XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE = 0x0020, 0x0024, 0x0025
FINGERPRINT, ICE_CONTROLLED, ICE_CONTROLLING = 0x8028, 0x8029, 0x802A
LENGTHS = {
    MESSAGE_INTEGRITY: 20, PRIORITY: 4, FINGERPRINT: 4, ICE_CONTROLLED: 8, ICE_CONTROLLING: 8,
}  # fmt: skip
INTEGRITY_BYTES, FINGERPRINT_BYTES = 4 + 20, 4 + 4
FINGERPRINT_XOR = 0x5354554E
FAMILY_OF_LENGTH = {4: 1, 16: 2}

# A browser's binding request is 100 to 160 bytes; a longer one than this is not one.
MAX_REQUEST_BYTES = 548
# ufrag:ufrag; RFC 8839 §5.4 allows 256 characters each, browsers use 4 to 8.
MAX_USERNAME_BYTES = 513
# Hosts whose packed form is remembered: about as many as a node has peers.
HOSTS_REMEMBERED = 1024

_ATTRIBUTE = struct.Struct("!HH")


class StunError(ValueError):
    """The datagram is not a well-formed STUN binding request."""


class BindingRequest(NamedTuple):
    """An ICE connectivity check as it arrived; nothing in it is believed until `authentic`."""

    transaction_id: bytes
    local_ufrag: str
    use_candidate: bool
    priority: int  # of the sender's candidate, as a peer-reflexive one (RFC 8445 §7.1.1); or 0
    sender_is_controlled: bool
    covered: bytes  # what the integrity is of, its length field as then
    integrity: bytes  # MESSAGE-INTEGRITY; empty where there is none

    @property
    def has_integrity(self) -> bool:
        """Whether it is signed at all."""
        return bool(self.integrity)

    def authentic(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with this password (RFC 8489 §9.1.3)."""
        return hmac.compare_digest(self.integrity, _signature(self.covered, password))


def is_binding_request(data: bytes) -> bool:
    """The look at the first 20 bytes that junk does not survive (RFC 8489 §5)."""
    return (
        HEADER_BYTES <= len(data) <= MAX_REQUEST_BYTES
        and data[:2] == BINDING_REQUEST
        and data[4:8] == MAGIC_COOKIE
        and len(data) == HEADER_BYTES + int.from_bytes(data[2:4], "big")
    )


def local_ufrag(data: bytes) -> str | None:
    """The part of USERNAME before the colon, read without parsing the rest; None if there is none.

    This is what a flood of strangers' requests costs: a walk over a few attribute headers.
    """
    position = HEADER_BYTES
    while position + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, position)
        if kind == USERNAME:
            value = data[position + 4 : position + 4 + length]
            if len(value) != length or length > MAX_USERNAME_BYTES:
                return None
            local, colon, _ = value.partition(b":")
            return local.decode("ascii", "replace") if colon and local else None
        position += 4 + _padded(length)
    return None


def parse_binding_request(data: bytes) -> BindingRequest:
    """Read a datagram that `is_binding_request`; raises `StunError`.

    Of what follows MESSAGE-INTEGRITY only FINGERPRINT counts (RFC 8489 §14.5); attributes that a
    check has no use for are passed over.
    """
    username = covered = integrity = b""
    use_candidate = sender_is_controlled = False
    priority = 0
    position = HEADER_BYTES
    while position + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, position)
        value = data[position + 4 : position + 4 + length]
        if len(value) != LENGTHS.get(kind, length):
            raise StunError(f"attribute {kind:#06x} has a wrong length or is cut")
        if kind == FINGERPRINT:
            if value != _fingerprint(data[:position]):
                raise StunError("the fingerprint does not match")
        elif integrity:
            pass
        elif kind == MESSAGE_INTEGRITY:
            covered, integrity = _as_long(data[:position], INTEGRITY_BYTES), value
        elif kind == USERNAME:
            username = value
        elif kind == USE_CANDIDATE:
            use_candidate = True
        elif kind == PRIORITY:
            priority = int.from_bytes(value, "big")
        elif kind == ICE_CONTROLLED:
            sender_is_controlled = True
        position += 4 + _padded(length)
    return BindingRequest(
        transaction_id=data[8:HEADER_BYTES],
        local_ufrag=username.partition(b":")[0].decode("ascii", "replace"),
        use_candidate=use_candidate,
        priority=priority,
        sender_is_controlled=sender_is_controlled,
        covered=covered,
        integrity=integrity,
    )


def success(transaction_id: bytes, mapped: Address, password: str) -> bytes:
    """The answer to a good check: the address it came from, authenticated (64 or 76 bytes)."""
    host = _packed_host(mapped[0])
    plain = int.from_bytes(struct.pack("!H", mapped[1]) + host, "big")
    pad = MAGIC_COOKIE[:2] + (MAGIC_COOKIE + transaction_id)[: len(host)]
    address = (plain ^ int.from_bytes(pad, "big")).to_bytes(2 + len(host), "big")
    value = struct.pack("!BB", 0, FAMILY_OF_LENGTH[len(host)]) + address
    return _message(BINDING_SUCCESS, transaction_id, XOR_MAPPED_ADDRESS, value, password)


def refusal(transaction_id: bytes, code: int, reason: str, password: str | None) -> bytes:
    """An error answer; signed when the request was authentic (`password` given)."""
    value = struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()
    return _message(BINDING_ERROR, transaction_id, ERROR_CODE, value, password)


def refusal_bytes(reason: str) -> int:
    """The length of an unsigned `refusal`: header, ERROR-CODE with its reason, FINGERPRINT."""
    return HEADER_BYTES + 8 + _padded(len(reason.encode())) + FINGERPRINT_BYTES


# Inside


def _message(
    kind: bytes, transaction_id: bytes, attribute: int, value: bytes, password: str | None
) -> bytes:
    """A message of one attribute, signed if there is a password, with a fingerprint."""
    padding = bytes(_padded(len(value)) - len(value))
    header = kind + b"\0\0" + MAGIC_COOKIE + transaction_id
    data = header + _ATTRIBUTE.pack(attribute, len(value)) + value + padding
    if password is not None:
        signature = _signature(_as_long(data, INTEGRITY_BYTES), password)
        data += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, len(signature)) + signature
    fingerprint = _ATTRIBUTE.pack(FINGERPRINT, 4) + _fingerprint(data)
    return _as_long(data, FINGERPRINT_BYTES) + fingerprint


def _as_long(data: bytes, more: int) -> bytes:
    """The message up to here, its length field as if so many bytes followed."""
    return data[:2] + (len(data) - HEADER_BYTES + more).to_bytes(2, "big") + data[4:]


def _signature(covered: bytes, password: str) -> bytes:
    return hmac.digest(password.encode(), covered, "sha1")


def _fingerprint(before: bytes) -> bytes:
    return (crc32(_as_long(before, FINGERPRINT_BYTES)) ^ FINGERPRINT_XOR).to_bytes(4, "big")


def _padded(length: int) -> int:
    """Attributes end at a multiple of four bytes."""
    return length + 3 & ~3


@lru_cache(maxsize=HOSTS_REMEMBERED)
def _packed_host(host: str) -> bytes:
    """4 or 16 bytes. What a dual-stack socket shows as `::ffff:a.b.c.d` is IPv4; no zone."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.packed
    return address.packed
