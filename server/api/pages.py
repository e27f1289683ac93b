"""Pages of lists in HTTP: `?limit=…&after=…`, and a `Link` to the next one (RFC 8288).

The answer stays an array. Where there is more, the header `Link: <…>; rel="next"` has the address
of what comes after; who follows it until there is none has read the whole list.
"""

from __future__ import annotations

from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from server.database.paging import MAX_CURSOR_SIGNS, Asked, Page

T = TypeVar("T")

USUAL_ROWS = 100
MOST_ROWS = 500


class Paging:
    """Which page of a list is asked for, and how it is answered where the next one is."""

    def __init__(
        self,
        request: Request,
        response: Response,
        after: Annotated[str, Query(max_length=MAX_CURSOR_SIGNS)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = USUAL_ROWS,
    ) -> None:
        self._request = request
        self._response = response
        self.asked = Asked(after, limit)

    def rows(self, page: Page[T]) -> list[T]:
        """The page's rows; the answer says where the next ones are."""
        if page.cursor is not None:
            kept = [
                (name, value)
                for name, value in self._request.query_params.multi_items()
                if name != "after"
            ]
            address = f"{self._request.url.path}?{urlencode([*kept, ('after', page.cursor)])}"
            self._response.headers["link"] = f'<{address}>; rel="next"'
        return page.rows


Pages = Annotated[Paging, Depends(Paging)]
