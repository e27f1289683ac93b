"""Addresses between Python's form and the pump's: IPv4 is kept v4-mapped inside, shown plain.

A link-local IPv6 address carries its interface as Python writes it: `fe80::1%2`.
"""

from __future__ import annotations

import socket

_MAPPED_PREFIX = bytes(10) + b"\xff\xff"


def pack_address(address: tuple[str, int]) -> tuple[bytes, int, int]:
    """16 address bytes, port, and interface number (0: none). ValueError when it is none."""
    host, port = address
    if not 0 < port < 65536:
        raise ValueError(f"a port is 1…65535, not {port}")
    packed, scope = pack_host(host)
    return packed, port, scope


def pack_host(host: str) -> tuple[bytes, int]:
    """16 address bytes and interface number (0: none). ValueError when it is none."""
    bare, _, zone = host.partition("%")
    try:
        if ":" not in bare:
            return _MAPPED_PREFIX + socket.inet_pton(socket.AF_INET, host), 0
        packed = socket.inet_pton(socket.AF_INET6, bare)
    except (OSError, ValueError) as error:
        raise ValueError(f"{host!r} is no IP address") from error
    return packed, int(zone) if zone.isdecimal() and _is_link_local(packed) else 0


def unpack_address(packed: bytes, port: int, scope: int) -> tuple[str, int]:
    """The reverse of `pack_address`."""
    if packed.startswith(_MAPPED_PREFIX):
        return socket.inet_ntop(socket.AF_INET, packed[12:]), port
    host = socket.inet_ntop(socket.AF_INET6, packed)
    return (f"{host}%{scope}" if scope else host), port


def _is_link_local(packed: bytes) -> bool:
    """fe80::/10 (RFC 4291 §2.4)."""
    return packed[0] == 0xFE and packed[1] & 0xC0 == 0x80
