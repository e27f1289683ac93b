"""An administrator without a browser: signs in and asks the HTTP interface (docs/http_api.md).

Owns one session: its cookie, its refusals in words. What is asked for is `county`'s.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from server.simulate.errors import ServerAway, ServerRefused
from signaling.client.address import ServerAddress

# Longer than the server takes for anything it does not refuse (a write waits two seconds).
_ANSWER_TIMEOUT_S = 15.0
_MOST_ANSWER_BYTES = 1 << 22


class Office:
    """One administrator's session. Raises `ServerRefused` for whatever is not granted."""

    def __init__(self, server: ServerAddress) -> None:
        self.server = server
        self._cookie = ""
        self._lock = threading.Lock()

    async def sign_in(self, username: str, password: str) -> None:
        """Begin the session. Raises `ServerRefused`, also where this is no administrator."""
        body = {"username": username, "password": password}
        answer = await self.ask("POST", "/api/session", body)
        user = answer.get("user") or answer
        if user.get("role") != "administrator":
            raise ServerRefused(
                f"{username} is no administrator of {self.server.origin}",
                f"{username} 不是 {self.server.origin} 的管理员",
            )

    async def sign_out(self) -> None:
        """End it; nothing of it stays behind on the server."""
        await self.ask("DELETE", "/api/session")

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the server answers, in a thread; {} where it answers with nothing."""
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        origin = self.server.origin
        headers = {"Accept": "application/json", "Origin": origin}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._cookie:
            headers["Cookie"] = self._cookie
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked on parsing
            f"{origin}{path}",
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=_ANSWER_TIMEOUT_S, context=self.server.tls
            ) as answer:
                self._keep_cookies(answer.headers.get_all("set-cookie", []))
                text = answer.read(_MOST_ANSWER_BYTES)
            found = json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error, path) from None
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise ServerRefused(
                    f"the certificate of {origin} is not trusted here ({reason.verify_message}): "
                    "with --insecure it is taken as it is",
                    f"这里不信任 {origin} 的证书（{reason.verify_message}）："
                    "加上 --insecure 则照样接受",
                ) from None
            raise ServerAway(
                f"{origin} does not answer: {reason}", f"{origin} 没有应答：{reason}"
            ) from None
        return found if isinstance(found, dict) else {}

    def _keep_cookies(self, given: list[str]) -> None:
        pairs = [each.partition(";")[0] for each in given]
        with self._lock:
            known = dict(pair.split("=", 1) for pair in self._cookie.split("; ") if pair)
            known |= dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            self._cookie = "; ".join(f"{name}={value}" for name, value in known.items())


def said(answer: dict[str, Any], name: str) -> str:
    """This field of an answer. Raises `ServerRefused` for a server that speaks otherwise."""
    try:
        return str(answer[name])
    except KeyError:
        raise ServerRefused(
            f"the server answers without {name!r}: it is no Tongke, or one of another version",
            f"服务器的应答中没有 {name!r}：它不是同课，或是另一版本的同课",
        ) from None


def _refusal(error: urllib.error.HTTPError, path: str) -> ServerRefused:
    try:
        body = json.loads(error.read(_MOST_ANSWER_BYTES))
    except (OSError, ValueError, HTTPException):
        body = {}
    if not isinstance(body, dict):
        body = {}
    fields = body.get("fields")
    found = list(fields.values()) if isinstance(fields, dict) else []

    def told(message: object, language: str, otherwise: str) -> str:
        more = [str(each.get(language)) for each in found if isinstance(each, dict)]
        return " ".join(dict.fromkeys([str(message or otherwise), *more]))

    return ServerRefused(
        told(body.get("message_en"), "en", f"the server answered {error.code} to {path}"),
        told(body.get("message_zh"), "zh", f"服务器对 {path} 应答 {error.code}"),
    )
