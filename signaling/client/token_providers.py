"""How a device gets in: with a room's device credential, or with a join token.

Owns the HTTP side (`GET /api/room`, docs/http_api.md). A room with a credential behaves as the
room page does: it asks every few seconds whether there is a lesson, and never gives up while its
credential is good.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol

from signaling.client.address import ServerAddress
from signaling.client.errors import SeatRefused, ServerLost
from signaling.client.sentences import Sentence, reason

_ANSWER_TIMEOUT_S = 10.0
_MOST_ANSWER_BYTES = 1 << 20


class TokenProvider(Protocol):
    """Gives the token to join the next lesson with."""

    async def token(self) -> str | None:
        """A fresh token; None when there is no lesson now (ask again after `wait_s`).

        Raises `ServerLost` (try again) or `SeatRefused` (do not).
        """
        ...

    @property
    def wait_s(self) -> float: ...

    @property
    def stays(self) -> bool:
        """Whether the seat waits for the next lesson when one has ended."""
        ...


@dataclass(slots=True)
class OneToken:
    """One join token for one lesson."""

    join_token: str
    wait_s: float = 1.0
    stays: bool = False

    async def token(self) -> str | None:
        return self.join_token


@dataclass(slots=True)
class RoomTokens:
    """A room's device credential: the room joins whatever lesson it has.

    `run`, where it is given, tells this start of a room agent from one on another machine.
    """

    server: ServerAddress
    credential: str
    wait_s: float = 3.0
    stays: bool = True
    run: str = ""

    async def token(self) -> str | None:
        answer = await asyncio.to_thread(self.ask)
        poll_after_s = answer.get("poll_after_s")
        if isinstance(poll_after_s, int | float):
            self.wait_s = min(60.0, max(0.2, float(poll_after_s)))
        token = answer.get("token")
        return token if isinstance(token, str) and token else None

    def ask(self, path: str = "/api/room") -> dict[str, Any]:
        """What a room's device may ask. Blocks; raises `ServerLost` or `SeatRefused`."""
        headers = {"Authorization": f"Bearer {self.credential}", "Accept": "application/json"}
        if self.run:
            headers["Tongke-Run"] = self.run
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked on parsing
            f"{self.server.origin}{path}", headers=headers
        )
        try:
            with urllib.request.urlopen(  # noqa: S310 - as above
                request, timeout=_ANSWER_TIMEOUT_S, context=self.server.tls
            ) as answer:
                body = json.loads(answer.read(_MOST_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise _http_problem(error) from None
        except (OSError, HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise ServerLost(
                    f"this machine does not know the certificate of {self.server.origin}: install "
                    "the server's certificate authority (its page /trust), or give --insecure",
                    f"本机不认识 {self.server.origin} 的证书：请安装服务器的证书颁发机构"
                    "（见其 /trust 页面），或加上 --insecure",
                ) from None
            why = reason(cause) if isinstance(cause, BaseException) else Sentence(cause, cause)
            raise ServerLost(
                f"{self.server.origin} does not answer: {why.en}",
                f"{self.server.origin} 没有应答：{why.zh}",
            ) from None
        except (ValueError, RecursionError):  # whose text may hold the credential
            raise ServerLost(
                f"{self.server.origin} answers nothing that can be read",
                f"{self.server.origin} 的回答无法读取",
            ) from None
        if not isinstance(body, dict):
            raise ServerLost(
                f"{self.server.origin} is no Tongke server",
                f"{self.server.origin} 不是同课服务器",
            )
        return body


def _http_problem(error: urllib.error.HTTPError) -> Exception:
    if error.code in (401, 403):
        return SeatRefused(
            str(error.code),
            "the room's credential is not valid (any more)",
            "教室的设备凭证无效，或已撤销",
        )
    return ServerLost(f"the server answered {error.code}", f"服务器回答 {error.code}")
