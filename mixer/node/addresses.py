"""Which addresses peers are told when none are configured: the host's own.

Owns: reading the interfaces and choosing what a peer may reach. Link-local addresses need a zone
that no candidate can carry (RFC 8445 §5.1.1.1) and are left out; loopback comes last, so that a
browser on this machine works and everyone else tries the real ones first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable

import ifaddr

from mixer.model import NodeSettings
from mixer.sources import is_loopback

# Each costs every peer a check, and 60 bytes on every m-line; a host with more (containers have
# dozens) names those that matter in its settings.
MAX_OWN_ADDRESSES = 12

# A machine may start before its network, and a lease may change: so late it is told at most.
LOOK_EVERY_S = 5.0

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
ReadAddresses = Callable[[], Iterable[IpAddress]]


def interface_addresses() -> list[IpAddress]:
    """Every address of every interface of this host."""
    found: list[IpAddress] = []
    for adapter in ifaddr.get_adapters():
        for known in adapter.ips:
            text = known.ip if isinstance(known.ip, str) else known.ip[0]
            found.append(ipaddress.ip_address(text.partition("%")[0]))
    return found


def follows_the_machine(settings: NodeSettings) -> bool:
    """Whether the machine's own addresses are told, which come and go."""
    return not settings.advertised and ipaddress.ip_address(settings.host).is_unspecified


def for_this_machine_alone(addresses: Iterable[str]) -> bool:
    """Whether nobody else can send to any of them."""
    return all(is_loopback(address) for address in addresses)


def advertised_addresses(
    settings: NodeSettings, own: Iterable[IpAddress] | None = None
) -> tuple[str, ...]:
    """The addresses for candidates, most useful first; raises `ValueError` on a wrong one."""
    if settings.advertised:
        # IPv4 first, else in the order given: FFmpeg takes the first candidate and no other.
        named = [ipaddress.ip_address(text) for text in settings.advertised]
        return tuple(map(str, sorted(named, key=lambda address: address.version)))
    host = ipaddress.ip_address(settings.host)
    if not host.is_unspecified:
        return (str(host),)
    usable = {
        address
        for address in (interface_addresses() if own is None else own)
        if (address.version == 4 or host.version == 6)
        and not (address.is_link_local or address.is_multicast or address.is_unspecified)
    }
    ordered = sorted(usable, key=lambda a: (a.is_loopback, a.version, int(a)))
    loopback = [address for address in ordered if address.is_loopback][:2]
    real = [address for address in ordered if not address.is_loopback]
    return tuple(map(str, real[: MAX_OWN_ADDRESSES - len(loopback)] + loopback))
