"""Lists a page at a time: by the position of the last row that was told, not by a count of rows.

So rows that come or go meanwhile make nobody see one twice or miss one, and a late page costs no
more than the first. A list has keys that are sorted by, the last one unique. Its *cursor* is the
position of a row as text, opaque to who carries it; what comes back is a stranger's word.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, or_
from sqlalchemy.ext.asyncio import AsyncSession

from server.errors import field_refused

T = TypeVar("T")

Position = tuple[float | str, ...]

MAX_CURSOR_SIGNS = 400
_MAX_TEXT_SIGNS = 64  # ids have 32


@dataclass(frozen=True, slots=True)
class Key:
    """What a list is sorted by. `kind` is what its values are."""

    column: SQLColumnExpression[Any]
    kind: type[float] | type[str]
    descending: bool = False

    def beyond(self, value: float | str) -> ColumnElement[bool]:
        """Rows that come after those with this value."""
        return self.column < value if self.descending else self.column > value


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list; `cursor` asks for those that come after, None if there are none."""

    rows: list[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page: at most `most` rows, after this cursor (empty: from the beginning)."""

    cursor: str = ""
    most: int = 100


def cursor_of(position: Sequence[float | str]) -> str:
    """A position as text."""
    data = json.dumps(list(position), ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def position_of(cursor: str, keys: Sequence[Key]) -> Position:
    """The position a cursor says. Refuses (422) what is none of this list's."""
    try:
        if len(cursor) > MAX_CURSOR_SIGNS:
            raise ValueError("too long")
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = json.loads(data)
        if not isinstance(values, list) or len(values) != len(keys):
            raise ValueError("not a position of this list")
        return tuple(_value(value, key) for value, key in zip(values, keys, strict=True))
    except ValueError:
        raise field_refused(
            "after",
            "无法从这里继续列出，请重新打开列表。",
            "The list cannot go on from there. Open it anew.",
        ) from None


def _value(value: object, key: Key) -> float | str:
    if key.kind is float and isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    if key.kind is str and isinstance(value, str) and _is_word(value):
        return value
    raise ValueError("not a position of this list")


def _is_word(value: str) -> bool:
    return value.isprintable() and len(value) <= _MAX_TEXT_SIGNS


async def page_of(
    session: AsyncSession, query: Select[T], keys: Sequence[Key], asked: Asked
) -> Page[T]:
    """One page of what a query finds. Refuses (422) a cursor that is none."""
    if asked.cursor:
        query = query.where(_after(keys, position_of(asked.cursor, keys)))
    order = [key.column.desc() if key.descending else key.column.asc() for key in keys]
    query = query.order_by(*order).limit(asked.most + 1).add_columns(*(key.column for key in keys))
    found = (await session.execute(query)).all()
    rows = [row[0] for row in found[: asked.most]]
    more = len(found) > asked.most
    return Page(rows, cursor_of(found[asked.most - 1][1:]) if more else None)


def _after(keys: Sequence[Key], position: Position) -> ColumnElement[bool]:
    """Of the keys, the first that differ decide."""
    return or_(
        *(
            and_(
                *(key.column == value for key, value in zip(keys[:n], position, strict=False)),
                keys[n].beyond(position[n]),
            )
            for n in range(len(keys))
        )
    )
