"""`GET /metrics` for Prometheus: open to this machine and to who has the token, to nobody else.

The numbers tell when a school is in class and how its line is, so they are nobody's by default.
A request counts as this machine's when it comes from a loopback address and no proxy stands before
the server: behind one every request would look local.
"""

from __future__ import annotations

import hmac
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response

from mixer.sources import is_loopback
from server.api.access import ServicesOf
from server.config import Settings
from server.errors import Refusal, Text

router = APIRouter(tags=["metrics"])

# What a proxy adds; its presence means that the loopback address is the proxy's.
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def may_read(request: Request, services: ServicesOf) -> None:
    """Refuses (401) whoever is neither on this machine nor has the token."""
    settings = services.settings
    if not (_has_token(request, settings) or _is_local(request, settings)):
        raise Refusal(
            401,
            "metrics-closed",
            Text(
                "指标只能在本机读取，或凭 metrics_token 读取，见 docs/zh/metrics.md。",
                "Metrics are read on this machine, or with the metrics_token; see docs/metrics.md.",
            ),
        )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format"}},
)
async def metrics(
    request: Request, services: ServicesOf, _allowed: Annotated[None, Depends(may_read)]
) -> Response:
    """The server's numbers in the Prometheus text format; `docs/metrics.md` lists them."""
    readings = services.metrics.read()
    accept = request.headers.get("accept", "")
    content, media_type = await anyio.to_thread.run_sync(readings.page, accept)
    return Response(content, headers={"content-type": media_type, "cache-control": "no-store"})


def _has_token(request: Request, settings: Settings) -> bool:
    token = settings.metrics_token.get_secret_value()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.encode())


def _is_local(request: Request, settings: Settings) -> bool:
    behind_proxy = bool(settings.trusted_proxies) or (
        settings.plain_http and bool(settings.public_url)
    )
    if behind_proxy or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    # The name that was asked for too: a foreign page can point its own name at 127.0.0.1.
    asked = request.url.hostname or ""
    peer = request.client.host if request.client else ""
    return is_loopback(peer) and (asked == "localhost" or is_loopback(asked))
