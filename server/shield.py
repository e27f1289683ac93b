"""What every HTTP request passes: a bound on its body, and security headers on its answer.

Plain ASGI, because it stands before all routes, those of signaling included. WebSockets pass
untouched: their messages are bounded by signaling.
"""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.refusals import refusal_response
from server.errors import Refusal, Text

_HOST = re.compile(r"^[A-Za-z0-9.\-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$")
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


class BodyTooLarge(Exception):  # noqa: N818 - it never leaves this file
    """The body grew past the bound while it was read."""


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
        started = False

        async def guarded_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("content-security-policy", policy)
                if scope["path"].startswith("/api/"):
                    answer.setdefault("cache-control", "no-store")
            await send(message)

        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body_bytes:
            await self._refuse(scope, receive, guarded_send)
            return
        try:
            await self._app(scope, self._bounded(receive), guarded_send)
        except BodyTooLarge:
            if started:
                raise
            await self._refuse(scope, receive, guarded_send)

    def _bounded(self, receive: Receive) -> Receive:
        left = self._max_body_bytes

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise BodyTooLarge
            return message

        return bounded

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = Refusal(
            413, "too-large", Text("请求内容过大。", "The request's body is too large.")
        )
        response = refusal_response(refusal)
        response.headers["connection"] = "close"
        await response(scope, receive, send)
