"""The TCP sockets that the pages and the signaling are served on."""

from __future__ import annotations

import errno
import socket

from server.errors import StartRefused

_BACKLOG = 512


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on `host` ("" is every interface, IPv4 and IPv6) and `port`.

    Port 0 takes a free one. Raises `StartRefused` when the port is busy or may not be had.
    """
    opened: list[socket.socket] = []
    try:
        if host in {"", "::"}:
            opened.append(_every_interface(port))
        else:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            for family, _, _, _, address in dict.fromkeys(found):
                taken = opened[0].getsockname()[1] if opened else address[1]
                opened.append(_bound(family, (address[0], taken, *address[2:])))
        for each in opened:
            each.listen(_BACKLOG)
            each.setblocking(False)
    except OSError as error:
        for each in opened:
            each.close()
        raise StartRefused(_told(host, port, error)) from None
    return opened


def _every_interface(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        return _bound(socket.AF_INET6, ("::", port))
    return _bound(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104 - what the setting asks for


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _told(host: str, port: int, error: OSError) -> str:
    where = f"port {port}" + (f" of {host}" if host else "")
    if error.errno == errno.EADDRINUSE:
        return (
            f"The {where} is in use by another program (perhaps another Tongke). Stop that one, or "
            "choose another port with --port or TONGKE_PORT."
        )
    if error.errno == errno.EACCES:
        return (
            f"The {where} may not be opened by this user: ports below 1024 need a right of their "
            "own. Choose a higher port with --port, or put a proxy in front."
        )
    return (
        f"The {where} cannot be opened ({error.strerror or error}). The setting host must be an "
        "address or name of this machine; leave it out to listen on every interface."
    )
