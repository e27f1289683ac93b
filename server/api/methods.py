"""What an address of the interface does: for 405 and its `Allow` (RFC 9110 §15.5.6).

The pages answer every address that nothing else answers, and a router stops at the first route of a
path, whatever else is at it: so each of them asks here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

# Below these there are no pages.
NOT_PAGES = ("api/", "media/", "hls/", "ws", "whip/", "whep", "healthz", "readyz", "metrics")
PAGES = "/{name:path}"
_OF_PAGES = frozenset({"GET", "HEAD"})


def is_page(path: str) -> bool:
    """Whether this path is one of the pages', be there such a file or not."""
    return not path.lstrip("/").startswith(NOT_PAGES)


def methods_at(request: Request) -> frozenset[str]:
    """The methods that somebody answers at the request's path; none where nothing is."""
    if is_page(request.url.path):
        return _OF_PAGES
    methods: set[str] = set()
    for route in _leaves(request.app.router.routes):
        # Those of WHIP's addresses that say themselves what they do not do are no answer.
        if not isinstance(route, Route) or route.path == PAGES or route.name == "refuse":
            continue
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return frozenset(methods)


def refuse_method(request: Request) -> None:
    """Raises 405 with what the address does; passes where nothing is at it."""
    if methods := methods_at(request):
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(methods))})


def _leaves(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        # FastAPI keeps an included router whole, its routes as they were made.
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from _leaves(inner.routes)
