"""How long requests take, by route: plain ASGI around everything, the refused ones included.

The route's label is its pattern (`/api/lessons/{lesson_id}`), never the address that was asked, so
that nobody can make labels grow. WebSockets pass uncounted: signaling counts them.
"""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Gauge, Histogram, disable_created_metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.metrics.families import HTTP

# From a file out of memory to a finished join (ICE waits, passwords are slow on purpose).
_BOUNDS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"  # refused before a route was found
NO_ANSWER = "none"  # the client went, or the answer broke off before it began


class HttpMeters:
    """The two meters, in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # When each label set was first seen is of no use here, and a third more text.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        times, progress = HTTP
        self.times = Histogram(
            times.name, times.meaning, times.labels, buckets=_BOUNDS_S, registry=registry
        )
        self.in_progress = Gauge(progress.name, progress.meaning, registry=registry)


class HttpTimes:
    """The ASGI wrapper."""

    def __init__(self, app: ASGIApp, *, meters: HttpMeters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = NO_ANSWER

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        began = time.perf_counter()
        self._meters.in_progress.inc()
        try:
            await self._app(scope, receive, watch)
        finally:
            self._meters.in_progress.dec()
            self._meters.times.labels(
                scope["method"] if scope["method"] in _METHODS else "other",
                getattr(scope.get("route"), "path", NO_ROUTE),
                status,
            ).observe(time.perf_counter() - began)
