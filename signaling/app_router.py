"""All routes of signaling, for the application: `/ws`, `/whip/…`, `/whep`."""

from __future__ import annotations

from typing import Any

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
    responses: dict[int | str, dict[str, Any]] | None = None,
) -> APIRouter:
    """One router, whose `routes` the application takes as they are.

    To include it builds each route once more, here and there. `responses` is what the
    application's description of itself says that all of them may answer.
    """
    parts = (
        websocket_router(service, origin_allowed=origin_allowed),
        whip_router(service, source_keys, responses=responses),
    )
    return APIRouter(routes=[route for part in parts for route in part.routes])
