"""All routes of signaling, for the application to include: `/ws`, `/whip/…`, `/whep`."""

from __future__ import annotations

from fastapi import APIRouter

from signaling.driver import LessonService
from signaling.origin import same_origin
from signaling.ports import SourceKeys
from signaling.websocket import OriginCheck, websocket_router
from signaling.whip import whip_router


def routes(
    service: LessonService,
    *,
    origin_allowed: OriginCheck = same_origin,
    source_keys: SourceKeys | None = None,
) -> APIRouter:
    """One router: `app.include_router(routes(service))`."""
    router = APIRouter()
    router.include_router(websocket_router(service, origin_allowed=origin_allowed))
    router.include_router(whip_router(service, source_keys))
    return router
