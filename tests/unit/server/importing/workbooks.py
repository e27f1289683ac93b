"""Excel workbooks as schools send them, and as nobody should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook


def workbook(rows: Sequence[Sequence[Any]], *, merged: str = "") -> bytes:
    """A workbook with one sheet of these rows."""
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    if merged:
        sheet.merge_cells(merged)
    return _saved(book)


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with this part in place of its own."""
    found = zipfile.ZipFile(io.BytesIO(data))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as changed:
        for part in found.namelist():
            changed.writestr(part, content if part == name else found.read(part))
        if name not in found.namelist():
            changed.writestr(name, content)
    return written.getvalue()


def part_of(data: bytes, name: str) -> bytes:
    """A part as it stands."""
    return zipfile.ZipFile(io.BytesIO(data)).read(name)


def _saved(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
