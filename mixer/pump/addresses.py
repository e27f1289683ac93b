"""Addresses between Python's form and the pump's: IPv4 is kept v4-mapped inside, shown plain.

A link-local IPv6 address carries its interface as Python writes it: `fe80::1%2`.
"""

from __future__ import annotations

import ipaddress

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
    ip = ipaddress.ip_address(host)
    if isinstance(ip, ipaddress.IPv4Address):
        return _MAPPED_PREFIX + ip.packed, 0
    scope = int(ip.scope_id) if ip.scope_id and ip.scope_id.isdigit() and ip.is_link_local else 0
    return ip.packed, scope


def unpack_address(packed: bytes, port: int, scope: int) -> tuple[str, int]:
    """The reverse of `pack_address`."""
    if packed.startswith(_MAPPED_PREFIX):
        return str(ipaddress.IPv4Address(packed[12:])), port
    host = str(ipaddress.IPv6Address(packed))
    return (f"{host}%{scope}" if scope else host), port
