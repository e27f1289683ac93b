"""What a proxy in front of the server leaves out, told where somebody looks: in the log, and in the
answer to a request that cannot be served without it.

Owns reading it from a request; how a proxy is to be set up stands in `docs/networks.md`. Nothing
is refused here that would be served otherwise, but the lesson's address asked for as a page.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import StrEnum

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from mixer.sources import address_of
from server.api.refusals import refusal_response
from server.clock import Clock
from server.errors import Refusal, Text

_log = structlog.get_logger("tongke.http")

LESSON_SOCKET = "/ws"
NO_UPGRADE = Refusal(
    426,
    "no-upgrade",
    Text(
        "这是课堂的 WebSocket 地址，而请求没有要求升级。若前面有代理，它须转发 Upgrade 和 "
        "Connection：docs/zh/networks.md 中有可用的 nginx 和 Caddy 配置。",
        "This is the lesson's WebSocket, and the request does not ask for one. If a proxy stands "
        "in front, it must pass Upgrade and Connection on: docs/networks.md has what to write for "
        "nginx and Caddy.",
    ),
)
# One finding is one line, however many pages a county opens; said again for whoever looks later.
_AGAIN_S = 3600.0


class Lacks(StrEnum):
    """What a proxy was seen to leave out; the log's words, as `docs/networks.md` has them."""

    UPGRADE = "a proxy does not pass on Upgrade and Connection: no lesson can be joined through it"
    FORWARDED_FOR = "a trusted proxy does not send X-Forwarded-For: all people look like one"
    HOST = "a proxy does not pass on Host, and public_url is not set: pages are taken for strangers"
    TRUST = "a proxy is not named in trusted_proxies: all people look like one"


def lacks(scope: Scope, *, trusted: bool, named: bool, public: bool) -> Lacks | None:
    """What a proxy on this request's way leaves out, as far as the request shows it; the gravest.

    `trusted` is whether the request comes from a proxy of `trusted_proxies`, as far as that is not
    rewritten yet; `named` whether there is any; `public` whether `public_url` is set. Only what a
    browser sends is judged: programs on the server itself ask without a proxy.
    """
    headers = dict(scope["headers"])
    if _asks_for_page(scope):
        return Lacks.UPGRADE if b"sec-websocket-version" in headers else None
    origin = headers.get(b"origin")
    if origin is None and b"sec-fetch-mode" not in headers:
        return None
    found: Lacks | None = None
    if b"x-forwarded-for" not in headers:
        found = Lacks.FORWARDED_FOR if trusted and not _is_local(scope, headers) else None
    elif not named:
        found = Lacks.TRUST if scope["scheme"] in {"http", "ws"} else None
    elif origin is not None and not public and _is_own_page(headers):
        page = origin.partition(b"://")[2]
        found = Lacks.HOST if page.lower() != headers.get(b"host", b"").lower() else None
    return found


def _is_local(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """A browser on the machine itself comes by no proxy, though the proxy is on it too.

    A proxy that passes no `Host` on asks for the machine's own as well: it speaks HTTP/1.0, or the
    page that asked has another name.
    """
    host = headers.get(b"host", b"")
    page = headers.get(b"referer", headers.get(b"origin", b"://" + host)).split(b"/")[2:3]
    name = host.decode("latin-1").rpartition(":")[0]
    local = name in {"localhost", "127.0.0.1", "[::1]"}
    return local and page == [host] and scope.get("http_version") != "1.0"


def _is_own_page(headers: dict[bytes, bytes]) -> bool:
    """As the browser sees it (Fetch Metadata); the lesson's socket has no such header."""
    return headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin"


class ProxyHints:
    """The ASGI wrapper around the whole application."""

    def __init__(
        self, app: ASGIApp, *, proxies: Iterable[str], public: bool, steady: Clock
    ) -> None:
        self._app = app
        self._proxies = [ipaddress.ip_network(word, strict=False) for word in proxies]
        self._public = public
        self._steady = steady
        self._told: dict[Lacks, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        address = address_of(client[0]) if client else None
        lacking = lacks(
            scope,
            trusted=address is not None and any(address in one for one in self._proxies),
            named=bool(self._proxies),
            public=self._public,
        )
        if lacking is not None:
            self._tell(lacking, str(address or ""))
        if _asks_for_page(scope):
            response = refusal_response(NO_UPGRADE)
            response.headers["upgrade"] = "websocket"
            response.headers["connection"] = "upgrade"
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _tell(self, lacking: Lacks, proxy: str) -> None:
        now = self._steady()
        if now - self._told.get(lacking, -_AGAIN_S) < _AGAIN_S:
            return
        self._told[lacking] = now
        _log.warning(lacking.value, proxy=proxy, see="docs/networks.md")


def _asks_for_page(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["path"] == LESSON_SOCKET)
