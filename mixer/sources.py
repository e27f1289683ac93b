"""Which network an address belongs to: the one answer for every count and rate by source.

One source is an IPv4 address, or the /64 of an IPv6 address, which one host may use whole. An IPv4
address that a socket of both families shows as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2) is that IPv4
address: else all of IPv4 would be one source. Zones (`%eth0`) do not count.

The pump's own limits follow the same rule in C (`address_host_hash`).
"""

from __future__ import annotations

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(host: str) -> IpAddress | None:
    """The address that `host` writes, IPv4 as such; None for what is no address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def network_of(host: str) -> str:
    """What counts as one source; what is no address is one by its name."""
    address = address_of(host)
    if address is None:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Address(int(address) >> 64 << 64))


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of this machine's own loopback."""
    address = address_of(host)
    return address is not None and address.is_loopback
