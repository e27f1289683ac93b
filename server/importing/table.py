"""A table read from a file: its known columns, its rows by the numbers that Excel shows.

Owns what goes between the process that reads the file (`reader`) and the one that asked, and what
that process may refuse. What the rows mean is `plan`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.importing.columns import Column

MOST_BYTES = 5 << 20
MOST_ROWS = 5000


class Unreadable(StrEnum):
    """Why a file is no table for us."""

    EMPTY = "file-empty"
    NO_TABLE = "file-no-table"
    OLD_EXCEL = "file-old-excel"
    DAMAGED = "file-damaged"
    HOSTILE = "file-hostile"
    SWOLLEN = "file-swollen"
    NO_HEADINGS = "file-no-headings"
    HEADING_TWICE = "file-heading-twice"
    TOO_MANY_ROWS = "file-too-many-rows"


class FileRefused(Exception):
    """The file is not read; `detail` is what words need."""

    def __init__(self, why: Unreadable, detail: str = "") -> None:
        super().__init__(why, detail)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class TableRow:
    """What stands in a row. `dates` are cells that Excel has made a date of."""

    number: int
    cells: Mapping[Column, str]
    dates: frozenset[Column] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """A file's table. `format` says how it was written, for the person who looks at it."""

    format: str
    unused: tuple[str, ...]
    """Headings that mean nothing here."""

    rows: tuple[TableRow, ...]


def dump(table: Table) -> bytes:
    """As the reading process writes it."""
    said = {
        "format": table.format,
        "unused": table.unused,
        "rows": [(row.number, row.cells, sorted(row.dates)) for row in table.rows],
    }
    return json.dumps(said, ensure_ascii=False).encode(errors="replace")


def dump_refused(refused: FileRefused) -> bytes:
    """A refusal as the reading process writes it."""
    return json.dumps({"refused": refused.why, "detail": refused.detail}).encode()


def load(answer: bytes) -> Table:
    """What the reading process wrote. Raises `FileRefused`; ValueError for what it never writes."""
    said: dict[str, Any] = json.loads(answer)
    if why := said.get("refused"):
        raise FileRefused(Unreadable(why), str(said["detail"]))
    return Table(
        format=str(said["format"]),
        unused=tuple(str(heading) for heading in said["unused"]),
        rows=tuple(
            TableRow(
                int(number),
                {Column(column): str(text) for column, text in cells.items()},
                frozenset(Column(column) for column in dates),
            )
            for number, cells, dates in said["rows"]
        ),
    )
