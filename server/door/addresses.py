"""Under which addresses this server is reached, and which of them may be handed to others.

Owns: reading this machine's names and addresses, and choosing the address that is printed or put
into what somebody carries to another machine (a room's address, a one-time address). A request
says how its sender reached us (`Host`), but anybody can write anything there: it is believed only
as far as it names one of ours, and only for the one who sent it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import ifaddr

from mixer.sources import IpAddress, address_of, is_loopback
from server.config import Settings
from server.door.condition import is_named
from server.errors import Text

# What people are shown: nobody tries the fifth.
_MOST_SHOWN = 4
# Interfaces that lead to this machine's own containers and virtual machines, by their usual names.
_INNER = re.compile(r"docker|br-[0-9a-f]{12}$|veth|virbr|lxcbr|lxdbr|cni|flannel|podman|vmnet|kube")
# An address there is answered by nobody (RFC 5737, RFC 3849); to ask for the way sends nothing.
_FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_TELL_PUBLIC = Text(
    "请用 --public-url 或 TONGKE_PUBLIC_URL 给出别人打开的地址。",
    "Give the one that others open with --public-url or TONGKE_PUBLIC_URL.",
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]@]{1,253})(:(?P<port>[0-9]{1,5}))?")


class Reach(StrEnum):
    """Who can open an address. `UNKNOWN_NAME`: it stands in for a name that is none of ours."""

    OTHERS = "others"
    THIS_MACHINE = "this-machine"
    UNKNOWN_NAME = "unknown-name"


@dataclass(frozen=True, slots=True)
class Address:
    """An address to hand out: scheme, host and port, without a path."""

    url: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Interfaces:
    """This machine's addresses, those by which it reaches others first; and its names."""

    outer: tuple[IpAddress, ...]
    inner: tuple[IpAddress, ...]  # loopback, bridges to its own containers
    names: tuple[str, ...]


def read_interfaces() -> Interfaces:
    """What this machine has now. Link-local addresses are left out: they need a zone."""
    outer: set[IpAddress] = set()
    inner: set[IpAddress] = set()
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            address = ipaddress.ip_address(text.partition("%")[0])
            if address.is_link_local or address.is_multicast or address.is_unspecified:
                continue
            is_inner = address.is_loopback or _INNER.match(adapter.name) is not None
            (inner if is_inner else outer).add(address)
    usual = _usual_sources() if outer else ()
    return Interfaces(
        outer=tuple(sorted(outer, key=lambda one: (one not in usual, *_order(one)))),
        inner=tuple(sorted(inner, key=_order)),
        names=_own_names(),
    )


def host_names(machine: Interfaces | None = None) -> list[str]:
    """Every name and address that people may type to reach this machine."""
    machine = machine or read_interfaces()
    found = ["localhost", "127.0.0.1", "::1", *machine.names]
    return [*found, *(str(address) for address in (*machine.outer, *machine.inner))]


def _own_names() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return (name, f"{name}.local") if "." not in name else (name,)


def _usual_sources() -> tuple[IpAddress, ...]:
    """The addresses from which this machine speaks to far ones, where it has a way there."""
    found: list[IpAddress] = []
    for family, far in _FAR:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                found.append(ipaddress.ip_address(probe.getsockname()[0]))
        except OSError:  # no network, or none of this family
            continue
    return tuple(found)


def _order(address: IpAddress) -> tuple[bool, bool, int]:
    return (address.version == 6, not address.is_private, int(address))


class Addresses:
    """The addresses of one server. Reads the machine anew each time: networks come and go.

    `vouched` gives the names of a certificate from outside, None where there is none (the
    self-made one has all of this machine's): others open nothing else without a warning.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        vouched: Callable[[], Collection[str] | None] = lambda: None,
        machine: Callable[[], Interfaces] = read_interfaces,
    ) -> None:
        self._settings = settings
        self._vouched = vouched
        self._machine = machine

    def for_others(self) -> tuple[str, ...]:
        """Every address that other machines can open, the likeliest first; none if none can."""
        settings = self._settings
        if settings.public_url:
            host = urlsplit(settings.public_url).hostname or ""
            return () if _is_loopback(host) else (settings.public_url,)
        if settings.plain_http or settings.on_loopback:
            return ()  # behind a proxy whose address nobody has told us
        if not settings.listens_everywhere:
            return (self._url(settings.host),)
        addresses = [
            str(address)
            for address in self._machine().outer
            if address.version == 4 or not settings.only_ipv4
        ]
        given = (*settings.tls_names, *settings.advertised)
        hosts = [name for name in given if not _is_loopback(name)] + addresses
        if (vouched := self._vouched()) is not None:
            exact = [name for name in vouched if "*" not in name and not _is_loopback(name)]
            hosts = [*exact, *(host for host in hosts if is_named(host, vouched))] or hosts
        return tuple(dict.fromkeys(map(self._url, hosts)))[:_MOST_SHOWN]

    def for_this_machine(self) -> tuple[str, ...]:
        """What a browser on the machine itself may be given."""
        settings = self._settings
        if not settings.listens_everywhere:
            return (settings.address,) if settings.on_loopback else ()
        return tuple(map(self._url, ("localhost", "127.0.0.1")))

    def best(self) -> Address:
        """The address to print where nobody has asked: at the start, in a command."""
        others = self.for_others()
        if others:
            return Address(others[0], Reach.OTHERS)
        return Address(self._settings.address, Reach.THIS_MACHINE)

    def why_alone(self) -> Text | None:
        """Why no other machine can open any address, and what to do; None where others can."""
        settings = self._settings
        if self.for_others():
            return None
        if settings.public_url:
            return Text(
                f"只有本机能打开这个地址（设置 public_url）。{_TELL_PUBLIC.zh}",
                f"Only this machine can open that address (setting public_url). {_TELL_PUBLIC.en}",
            )
        if settings.on_loopback and not settings.trusted_proxies:
            return Text(
                f"只有本机能打开这个地址：服务器只在 {settings.host} 上监听（设置 host）。",
                f"Only this machine can open that address: it listens on {settings.host} alone "
                "(setting host).",
            )
        if settings.plain_http:
            return Text(
                f"大家经由代理访问，而代理的地址未知。{_TELL_PUBLIC.zh}",
                f"People come through a proxy, whose address is not known. {_TELL_PUBLIC.en}",
            )
        return Text(
            "只有本机能打开这个地址：本机还没有网络地址。一旦有了，日志中会说明。",
            "Only this machine can open that address: it has none on a network yet. As soon as it "
            "has one, the log tells it.",
        )

    def for_visitor(self, asked: str, *, client: str, secure: bool) -> Address:
        """The address for somebody who reached us as `asked` (their `Host`) from `client`.

        Theirs, where it is one of ours and others can open it too. `secure` is whether they came
        over HTTPS, be it a proxy's.
        """
        settings, best = self._settings, self.best()
        if settings.public_url or (settings.on_loopback and not settings.trusted_proxies):
            return best
        host, port = _read_host(asked)
        if self._others_open(host, client):
            return Address(_url(host, port, secure=secure), Reach.OTHERS)
        if _is_loopback(host) or host in _lower(host_names(self._machine())):
            return best
        return Address(best.url, Reach.UNKNOWN_NAME)

    def _others_open(self, host: str, client: str) -> bool:
        settings, machine = self._settings, self._machine()
        if not host or _is_loopback(host):
            return False
        if host in _lower((*settings.tls_names, *settings.advertised)):
            return True
        if is_named(host, self._vouched() or ()):
            return True
        if (address := address_of(host)) is not None:
            return address in machine.outer
        # A machine's bare name leads itself to itself: only another one shows that it is known.
        here = address_of(client)
        elsewhere = here is None or not (here.is_loopback or here in machine.outer)
        return host in machine.names and elsewhere

    def _url(self, host: str) -> str:
        return _url(host, self._settings.port, secure=not self._settings.plain_http)


def _read_host(asked: str) -> tuple[str, int | None]:
    """Name or address, and port; ("", None) for what no browser sends (RFC 9110 §7.2)."""
    found = _HOST.fullmatch(asked)
    if found is None or not 0 < int(found["port"] or 1) < 65_536:
        return "", None
    host = found["host"].strip("[]").rstrip(".").lower()
    return host, int(found["port"]) if found["port"] else None


def _url(host: str, port: int | None, *, secure: bool) -> str:
    scheme, usual = ("https", 443) if secure else ("http", 80)
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" if port in {None, usual} else f"{scheme}://{name}:{port}"


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host)


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}
