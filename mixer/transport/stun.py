"""STUN as an ICE-lite agent needs it: binding requests in, short answers out.

Owns: the cheap look at a datagram before anything is parsed, the reading of a binding request and
the writing of its three answers (RFC 8489 §6, RFC 8445 §7.3). The codec is aioice's; this file
guards it: whatever the bytes, one error comes out.

Leaves to `ice.py`: whose request it is, whether it may move the remote address, how often to
answer.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from aioice import stun

# By UDP (host, port); by TCP (host, port, number of the connection).
Address = tuple[str, int] | tuple[str, int, int]

HEADER_BYTES = 20
MAGIC_COOKIE = struct.pack("!I", stun.COOKIE)
BINDING_REQUEST = struct.pack("!H", stun.Method.BINDING | stun.Class.REQUEST)
USERNAME = 0x0006

# A browser's binding request is 100 to 160 bytes; a longer one than this is not one.
MAX_REQUEST_BYTES = 548
# ufrag:ufrag; RFC 8839 §5.4 allows 256 characters each, browsers use 4 to 8.
MAX_USERNAME_BYTES = 513


class StunError(ValueError):
    """The datagram is not a well-formed STUN binding request."""


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """An ICE connectivity check as it arrived; nothing in it is believed until `authentic`."""

    transaction_id: bytes
    local_ufrag: str
    has_integrity: bool
    use_candidate: bool
    sender_is_controlled: bool
    message: stun.Message

    def authentic(self, password: str) -> bool:
        """Whether MESSAGE-INTEGRITY was made with this password (RFC 8489 §9.1.3)."""
        return self.message.check_message_integrity(password.encode())


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
        kind = int.from_bytes(data[position : position + 2], "big")
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if kind == USERNAME:
            value = data[position + 4 : position + 4 + length]
            if len(value) != length or length > MAX_USERNAME_BYTES:
                return None
            local, colon, _ = value.partition(b":")
            return local.decode("ascii", "replace") if colon and local else None
        position += 4 + length + stun.padding_length(length)
    return None


def parse_binding_request(data: bytes) -> BindingRequest:
    """Read a datagram that `is_binding_request`; raises `StunError`."""
    try:
        message = stun.parse_message(data)
    except (ValueError, struct.error, IndexError, KeyError) as error:
        raise StunError(f"not a STUN message: {error}") from error
    attributes = message.attributes
    username = str(attributes.get("USERNAME", ""))
    return BindingRequest(
        transaction_id=message.transaction_id,
        local_ufrag=username.partition(":")[0],
        has_integrity="MESSAGE-INTEGRITY" in attributes,
        use_candidate="USE-CANDIDATE" in attributes,
        sender_is_controlled="ICE-CONTROLLED" in attributes,
        message=message,
    )


def success(transaction_id: bytes, mapped: Address, password: str) -> bytes:
    """The answer to a good check: the address it came from, authenticated (64 or 76 bytes)."""
    response = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.RESPONSE,
        transaction_id=transaction_id,
        attributes={"XOR-MAPPED-ADDRESS": plain_address(mapped)},
    )
    response.add_message_integrity(password.encode())
    return bytes(response)


def refusal(transaction_id: bytes, code: int, reason: str, password: str | None) -> bytes:
    """An error answer; signed when the request was authentic (`password` given)."""
    response = stun.Message(
        message_method=stun.Method.BINDING,
        message_class=stun.Class.ERROR,
        transaction_id=transaction_id,
        attributes={"ERROR-CODE": (code, reason)},
    )
    if password is None:
        response.add_fingerprint()
    else:
        response.add_message_integrity(password.encode())
    return bytes(response)


def refusal_bytes(reason: str) -> int:
    """The length of an unsigned `refusal`: header, ERROR-CODE with its reason, FINGERPRINT."""
    text = len(reason.encode())
    return HEADER_BYTES + 8 + text + stun.padding_length(text) + 8


def plain_address(address: Address) -> tuple[str, int]:
    """An IPv4 address that a dual-stack socket shows as `::ffff:a.b.c.d`, as IPv4; no zone."""
    host, _, _ = address[0].partition("%")
    parsed = ipaddress.ip_address(host)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(parsed), address[1]
