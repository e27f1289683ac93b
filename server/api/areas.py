"""The routes of one area of the interface, made whole once, each behind its door.

FastAPI makes the routes of an included router a second time, with what the application adds to
them, at the first request: a server that was killed would be back a tenth later. So what all areas
share is given to their routers, and the application takes the routes as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.params import Depends as Door

from server.accounts.permissions import PERMISSIONS, RIGHTS, Right, Standing
from server.api.access import administrator, refuse_foreign_pages, room_device, signed_in
from server.api.refusals import RefusalBody

_DOORS: dict[frozenset[Standing], list[Door]] = {
    frozenset({Standing.ANYBODY}): [],
    frozenset({Standing.ROOM_DEVICE}): [Depends(room_device)],
    frozenset({Standing.SCREEN, Standing.ROOM_DEVICE}): [],  # asks itself for the secret
    frozenset({Standing.WATCHER}): [],  # reads the address's key itself
    RIGHTS[Right.ADMINISTER]: [Depends(administrator)],
}
_SIGNED_IN = [Depends(signed_in)]  # what they are to a lesson or a recording its route asks


class Area(APIRouter):
    """A router whose routes are all in the table of permissions; others it does not make."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """A route behind the door that the table has for it. `HEAD` is asked as `GET` is."""
        (method,) = options["methods"]
        who = PERMISSIONS[f"{'GET' if method == 'HEAD' else method} {self.prefix}{path}"]
        doors = _DOORS.get(who, _SIGNED_IN)
        options["dependencies"] = [*doors, *(options.get("dependencies") or ())]
        super().add_api_route(path, endpoint, **options)


def area(tag: str, *, prefix: str = "") -> Area:
    """A router for routes that people and rooms call; foreign pages' writes are refused."""
    return Area(
        prefix=prefix,
        tags=[tag],
        dependencies=[Depends(refuse_foreign_pages)],
        responses={"4XX": {"model": RefusalBody}},
    )
