"""What every HTTP request passes: a bound on its body in size and time, security headers on its
answer, and the refusal that a bug of ours becomes.

Plain ASGI, because it stands before all routes, those of signaling included. WebSockets pass
untouched: their messages are bounded by signaling.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.refusals import bug_response, refusal_response
from server.errors import Refusal, Text

_HOST = re.compile(r"^[A-Za-z0-9.\-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$")
BODY_TIMEOUT_S = 30.0  # the largest SDP on a 100 kb/s line takes five
_TOO_LARGE = Refusal(413, "too-large", Text("请求内容过大。", "The request's body is too large."))
_TOO_SLOW = Refusal(
    408,
    "too-slow",
    Text("请求没有按时传完，请检查网络后重试。", "The request came too slowly. Try again."),
)
# Answers to a person, which the next one at a shared PC must not find in a cache.
_PERSONAL = ("/api/", "/media/")
# Players' addresses, which prove by themselves who may: pages of any site may read what is there, a
# refusal too. Nothing goes with such a request that a browser adds by itself.
_FOR_ALL_SITES = "/hls/"
_OF_ALL_SITES = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
# RFC 6797. Thirty days: a browser used every week stays bound, and a school that goes back to a
# certificate that browsers do not know is locked out no longer than that.
STRICT_TRANSPORT = "max-age=2592000"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), "
        "autoplay=(self), geolocation=(), payment=(), usb=()"
    ),
}


def content_security_policy(host: str, *, secure: bool) -> str:
    """The policy of every page: all from this server, nothing from elsewhere, no framing.

    Inline styles are allowed because components write `style=` attributes; scripts never are.
    The WebSocket's address is named, because older WebKit does not count it as 'self'. hls.js
    works in a blob worker, and plays from blob addresses.
    """
    socket = f" {'wss' if secure else 'ws'}://{host}" if _HOST.match(host) else ""
    return (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob: mediastream:; "
        f"connect-src 'self'{socket}; worker-src 'self' blob:; font-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def strict_transport(host: str) -> bool:
    """Whether this name may bind browsers to HTTPS.

    Not this machine's own: that would bind every other program's pages on it too. Browsers
    themselves bind no IP address (RFC 6797 §8.1.1).
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return not (name.lower() + ".").endswith("localhost.") and bool(_HOST.match(host))


class Shield:
    """The ASGI wrapper around the application.

    `strict` (HSTS) is for a server with a given certificate alone. A browser that knows the rule
    offers no way past the warning of a certificate it does not trust: with a self-made one, made
    anew after a year or in a new folder, teachers would stand before a locked page. Behind a proxy
    the certificate is the proxy's, and so is the rule.

    `larger` are paths that take files, and how many bytes of one; what lies below them too. Their
    routes read no body before they know who sends it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        secure: bool,
        strict: bool = False,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._larger = larger or {}
        self._secure = secure
        self._strict = strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        most = self._most_bytes(scope["path"])
        passage = _Passage(
            receive,
            send,
            path=scope["path"],
            policy=content_security_policy(host, secure=self._secure),
            strict_transport=self._strict and strict_transport(host),
            left=most,
        )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > most:
            await passage.refuse(scope, _TOO_LARGE)
            return
        try:
            await self._app(scope, passage.receive, passage.send)
        except Exception as error:  # a bug: told by `bug_response`, the server goes on
            if passage.started:  # the answer is half sent: only breaking it off is honest
                raise
            if passage.broken is None:
                await bug_response(error)(scope, passage.receive, passage.send)
        if passage.broken is not None and not passage.started:
            await passage.refuse(scope, passage.broken)

    def _most_bytes(self, path: str) -> int:
        for prefix, most in self._larger.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return max(most, self._max_body_bytes)
        return self._max_body_bytes


class _BodyRefused(Exception):
    """The body grew past a bound while it was read."""


class _Passage:
    """One request on its way in and its answer on its way out."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        path: str,
        policy: str,
        strict_transport: bool,
        left: int,
    ) -> None:
        self._path = path
        self._strict_transport = strict_transport
        self._receive = receive
        self._send = send
        self._policy = policy
        self._left = left
        self.started = False
        self.broken: Refusal | None = None  # why the rest of the body is not taken
        self.refusing = False
        self._body_ended = False
        self._deadline = asyncio.get_running_loop().time() + BODY_TIMEOUT_S

    async def receive(self) -> Message:
        """The next piece of the body, while it keeps within the bound."""
        if self._body_ended:  # all that can come now is the news that the client is gone
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self.broken = _TOO_SLOW
            raise _BodyRefused from None
        self._body_ended = not message.get("more_body", False)
        if message["type"] == "http.request" and not self.refusing:
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.broken = _TOO_LARGE
                raise _BodyRefused
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer. What the application says of a body cut short is not sent."""
        if self.broken is not None and not self.refusing:
            return
        if message["type"] == "http.response.start":
            self.started = True
            answer = MutableHeaders(scope=message)
            of_path = _OF_ALL_SITES if self._path.startswith(_FOR_ALL_SITES) else {}
            for name, value in (_HEADERS | of_path).items():
                answer.setdefault(name, value)
            answer.setdefault("content-security-policy", self._policy)
            if self._path.startswith(_PERSONAL):
                answer.setdefault("cache-control", "no-store")
            if self._strict_transport:
                answer.setdefault("strict-transport-security", STRICT_TRANSPORT)
        await self._send(message)

    async def refuse(self, scope: Scope, refusal: Refusal) -> None:
        """Answer with a refusal, and read no more."""
        self.refusing = True
        response = refusal_response(refusal)
        response.headers["connection"] = "close"
        await response(scope, self.receive, self.send)
