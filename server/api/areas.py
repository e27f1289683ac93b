"""The routes of one area of the interface, made whole once.

FastAPI makes the routes of an included router a second time, with what the application adds to
them, at the first request: a server that was killed would be back a tenth later. So what all areas
share is given to their routers, and the application takes the routes as they are.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends

from server.api.access import same_origin
from server.api.refusals import RefusalBody


def area(tag: str, *, prefix: str = "") -> APIRouter:
    """A router for routes that people and rooms call; foreign pages' writes are refused."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        dependencies=[Depends(same_origin)],
        responses={"4XX": {"model": RefusalBody}},
    )
