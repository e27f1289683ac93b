"""What every HTTP request passes: a bound on its body in size and time, security headers on its
answer, and the refusal that a bug of ours becomes.

Plain ASGI, because it stands before all routes, those of signaling included. WebSockets pass
untouched: their messages are bounded by signaling.
"""

from __future__ import annotations

import asyncio
import re

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


class Shield:
    """The ASGI wrapper around the application."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, secure: bool) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        policy = content_security_policy(
            headers.get(b"host", b"").decode("latin-1"), secure=self._secure
        )
        passage = _Passage(
            receive, send, path=scope["path"], policy=policy, left=self._max_body_bytes
        )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body_bytes:
            await passage.refuse(scope, _TOO_LARGE)
            return
        try:
            await self._app(scope, passage.receive, passage.send)
        except Exception as error:
            if passage.started:  # the answer is half sent: only breaking it off is honest
                raise
            if passage.broken is None:
                await bug_response(error)(scope, passage.receive, passage.send)
        if passage.broken is not None and not passage.started:
            await passage.refuse(scope, passage.broken)


class _BodyRefused(Exception):  # noqa: N818 - it never leaves this file
    """The body grew past a bound while it was read."""


class _Passage:
    """One request on its way in and its answer on its way out."""

    def __init__(self, receive: Receive, send: Send, *, path: str, policy: str, left: int) -> None:
        self._path = path
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
            for name, value in _HEADERS.items():
                answer.setdefault(name, value)
            answer.setdefault("content-security-policy", self._policy)
            if self._path.startswith("/api/"):
                answer.setdefault("cache-control", "no-store")
        await self._send(message)

    async def refuse(self, scope: Scope, refusal: Refusal) -> None:
        """Answer with a refusal, and read no more."""
        self.refusing = True
        response = refusal_response(refusal)
        response.headers["connection"] = "close"
        await response(scope, self.receive, self.send)
