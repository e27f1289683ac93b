"""The application: all routes, what stands before them, and the parts that answer them.

The parts are started and stopped with it (`parts`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI

from server.accounts.passwords import Passwords
from server.api import (
    admin,
    archive,
    communities,
    health,
    imports,
    lesson_files,
    lessons,
    metrics,
    pairing,
    places,
    pushes,
    recordings,
    reference,
    refusals,
    room,
    room_checks,
    room_files,
    session,
    source_keys,
    stats,
    this_server,
    trust,
    users,
    watch,
)
from server.clock import Clock, steady_clock, wall_clock
from server.config import Settings
from server.door.proxied import ProxyHints
from server.door.shield import Shield
from server.door.tls import ServedCertificate
from server.door.web import built_client, web_router
from server.ids import new_id
from server.importing.table import MOST_BYTES
from server.lessons.ownership import LocalOwnership, Ownership
from server.metrics import Metrics
from server.metrics.http_times import HttpTimes
from server.node.media import open_media_node
from server.parts import OpenMedia, ServerParts
from signaling.app_router import routes as signaling_routes
from signaling.origin import same_origin

_AREAS = (
    session,
    users,
    places,
    source_keys,
    pairing,
    room_files,
    communities,
    lessons,
    stats,
    room,
    room_checks,
    recordings,
    lesson_files,
    admin,
    archive,
    imports,
    this_server,
    trust,
    watch,
    pushes,
)


def create_app(
    settings: Settings,
    *,
    certificate: ServedCertificate | None = None,
    clock: Clock = wall_clock,
    steady: Clock = steady_clock,
    passwords: Passwords | None = None,
    open_media: OpenMedia = open_media_node,
    ownership: Ownership | None = None,
    record: bool = True,
    keep_time: bool = True,
) -> FastAPI:
    """The application, to be started once.

    Its lifespan starts and stops all parts; it raises `StartRefused`. `certificate` is what it is
    served under, where it speaks TLS itself; without `ownership` all lessons are this node's. Tests
    give their own clocks, cheaper passwords and other media, record nothing and say when a tick is
    due.
    """

    meters = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            start = ServerParts(stack, settings, meters, certificate, clock=clock, steady=steady)
            holds = ownership or LocalOwnership(new_id(), clock)
            database = await start.database()
            media = await start.media(open_media)
            services = await start.services(
                database, media, passwords or Passwords(), holds, record=record
            )
            app.state.services = services
            if keep_time:
                start.timekeeper(services)
            signaling = signaling_routes(
                start.signaling,
                origin_allowed=_origins(settings),
                source_keys=start.encoders,
                responses=app.router.responses,
            )
            web = web_router(settings.web_folder or built_client())
            # The pages last, because they answer every other address.
            app.router.routes += [*signaling.routes, *web.routes]
            yield

    app = FastAPI(
        title="Tongke 同课",
        version="0.1.0",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": refusals.RefusalBody}},
        routes=[route for area in _AREAS for route in area.router.routes],
    )
    app.add_middleware(
        Shield,
        max_body_bytes=settings.max_body_bytes,
        larger={imports.PATH: MOST_BYTES},
        secure=settings.secure,
        # Not with ACME: where its certificate runs out ours stands in, under the same name.
        strict=settings.tls_cert is not None,
    )
    app.add_middleware(
        ProxyHints,
        proxies=settings.trusted_proxies,
        public=bool(settings.public_url),
        steady=steady,
    )
    app.add_middleware(HttpTimes, meters=meters.http)
    refusals.add_handlers(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(reference.router)
    return app


def _origins(settings: Settings) -> Callable[[str, str], bool]:
    """Which pages may open the lesson's WebSocket: ours, by the address asked or the public one."""
    public = urlsplit(settings.public_url).netloc
    return lambda origin, host: same_origin(origin, host, public)
