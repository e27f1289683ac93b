"""The TCP sockets that the pages and the signaling are served on."""

from __future__ import annotations

import errno
import socket
from typing import Any, Final

from server.errors import StartRefused, start_refused
from server.system_errors import why

_BACKLOG = 512
# Who takes nothing of what is sent to it for so long is gone, or keeps one of the connections that
# its address may have; other servers wait as long. A slow line takes something each time, and a
# player that was paused for longer asks again, from where it was.
UNREAD_S: Final = 60.0
# A kernel without IPv6, or with it switched off: then its other addresses are enough.
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on `host` ("" is every interface, IPv4 and IPv6) and `port`.

    Port 0 takes a free one. Raises `StartRefused` when the port is busy or may not be had.
    """
    opened: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            taken = opened[0].getsockname()[1] if opened else port  # port 0: one for all
            try:
                opened.append(_bound(family, (address[0], taken, *address[2:])))
            except OSError as error:
                if not opened or error.errno not in _NO_IPV6:
                    raise
        for each in opened:
            each.listen(_BACKLOG)
            each.setblocking(False)
    except OSError as error:
        for each in opened:
            each.close()
        raise _told(host, port, error) from None
    return opened


def _addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    """What to bind. One socket a family: then an IPv4 client is told as such, not as ::ffff:…"""
    if host in {"", "::"}:
        every: list[tuple[int, tuple[Any, ...]]] = [(socket.AF_INET, ("0.0.0.0", port))]  # noqa: S104 - what the setting asks for
        return [*every, (socket.AF_INET6, ("::", port))] if socket.has_ipv6 else every
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    # By its protocol asyncio knows it, and what it accepts, as TCP: only then does it send each
    # write at once. Else an answer in two writes is held back for 40 ms, until the peer has
    # acknowledged the first one (RFC 9293 §3.7.4, Nagle's algorithm).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Taken over by each connection. The kernel's clock, as it alone knows what was taken; of
        # what waits in the process, in the kernel, and after a close too (tcp(7), RFC 5482).
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_S * 1000))
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _told(host: str, port: int, error: OSError) -> StartRefused:
    where = f"port {port}" + (f" of {host}" if host else "")
    place = (f"{host} 的" if host else "") + f"端口 {port} "
    if error.errno == errno.EADDRINUSE:
        return start_refused(
            f"The {where} is in use by another program (perhaps another Tongke). Stop that one, or "
            "choose another port with --port or TONGKE_PORT.",
            f"{place}已被其他程序占用（也许是另一个同课）。请停止那个程序，"
            "或用 --port 或 TONGKE_PORT 另选端口。",
            error,
        )
    if error.errno == errno.EACCES:
        return StartRefused(
            f"The {where} may not be opened by this user: ports below 1024 need a right of their "
            "own. Choose a higher port with --port, or put a proxy in front.",
            f"当前用户无权打开{place}：1024 以下的端口需要特别的权限。"
            "请用 --port 选用更大的端口，或在前面放一个代理。",
        )
    reason = why(error)
    return start_refused(
        f"The {where} cannot be opened ({reason.en}). The setting host must be an "
        "address or name of this machine; leave it out to listen on every interface.",
        f"无法打开{place}（{reason.zh}）。设置 host 须是本机的地址或名称；"
        "不填则在所有网络接口上监听。",
        error,
    )
