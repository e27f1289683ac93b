"""Reads a table out of a file that somebody sent: CSV in any usual coding, or an Excel workbook.

Run as a process of its own with limits on time, memory and output (`server.children.once`), because
nobody knows what is in the file: an archive that grows a thousandfold, entities that multiply, ten
million rows. It reads as far as it must and no further; the values of formulas are those that Excel
last saw. Merged cells need nothing: what a row leaves empty below a school is that school's
(`plan`).
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from server.children.bounded import answer, given
from server.importing.columns import Column, column_of, is_note
from server.importing.table import (
    MOST_ROWS,
    FileRefused,
    Table,
    TableRow,
    Unreadable,
    dump,
    dump_refused,
)

_HEAD_ROWS = 10  # a title, a date and a note may stand above the headings
_MOST_COLUMNS = 64
_MOST_SIGNS = 200  # of a cell: more is refused by name, and would only make the answer long
_MOST_LOOKED_AT = 200_000  # rows with nothing in them count too: Excel keeps those it has coloured

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and .xlsx with a password
_MOST_UNPACKED_BYTES = 64 << 20
_MOST_PARTS = 500
_SEPARATORS = ",;\t"
# How Excel writes what XML cannot hold, mostly a line's end from elsewhere (ECMA-376 §22.9.2.19).
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SAID_SEPARATOR = re.compile(r"sep=(.)\r?\n")


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    is_date: bool = False


_Row = tuple[int, Sequence[_Cell]]


def read_table(data: bytes) -> Table:
    """The table in a file. Raises `FileRefused`."""
    if not data.strip(b"\0\t\r\n "):
        raise FileRefused(Unreadable.EMPTY)
    if data.startswith(_COMPOUND):
        raise FileRefused(Unreadable.OLD_EXCEL)
    if data.startswith(_ZIP):
        return _table("Excel", _workbook_rows(data))
    text, coding = _decoded(data)
    return _table(f"CSV, {coding}", _text_rows(text))


def _table(form: str, rows: Iterator[_Row]) -> Table:
    columns, unused = _find_headings(rows)
    found: list[TableRow] = []
    for number, cells in rows:
        if is_note([cell.text for cell in cells]):
            continue
        known = {column: cells[at] for at, column in columns.items() if at < len(cells)}
        texts = {column: cell.text for column, cell in known.items() if cell.text}
        if not texts:
            continue
        if len(found) == MOST_ROWS:
            raise FileRefused(Unreadable.TOO_MANY_ROWS)
        dates = frozenset(column for column, cell in known.items() if cell.is_date)
        found.append(TableRow(number, texts, dates))
    return Table(form, unused, tuple(found))


def _find_headings(rows: Iterator[_Row]) -> tuple[dict[int, Column], tuple[str, ...]]:
    """Which columns are where, and the headings that are none of ours."""
    for number, cells in rows:
        headings = [cell.text for cell in cells]
        named = {
            at: column for at, heading in enumerate(headings) if (column := column_of(heading))
        }
        if len(named) > 1 or Column.SCHOOL in named.values():
            twice = [at for at, one in named.items() if list(named.values()).count(one) > 1]
            if twice:
                raise FileRefused(Unreadable.HEADING_TWICE, headings[twice[0]])
            unused = [heading for at, heading in enumerate(headings) if heading and at not in named]
            return named, tuple(unused)
        if number >= _HEAD_ROWS:
            break
    raise FileRefused(Unreadable.NO_HEADINGS)


# --- CSV ----------------------------------------------------------------------------------------


def _decoded(data: bytes) -> tuple[str, str]:
    """The text and its coding: by its byte order mark, else UTF-8, else as Excel in China saves."""
    for mark, coding, name in (
        (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
        (b"\xff\xfe", "utf-16", "UTF-16"),
        (b"\xfe\xff", "utf-16", "UTF-16"),
        (b"", "utf-8", "UTF-8"),
        (b"", "gb18030", "GB18030"),
    ):
        if not data.startswith(mark):
            continue
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            if mark:
                break
            continue
        if "\0" in text:
            break
        return text, name
    raise FileRefused(Unreadable.NO_TABLE)


def _text_rows(text: str) -> Iterator[_Row]:
    if said := _SAID_SEPARATOR.match(text):
        separator, first = said[1], 2
        text = text[said.end() :]
    else:
        separator, first = max(_SEPARATORS, key=lambda one: _headings_by(one, text)), 1
    try:
        for number, texts in enumerate(_split(text, separator), first):
            yield number, [_Cell(_clean(each)) for each in texts[:_MOST_COLUMNS]]
    except csv.Error:
        raise FileRefused(Unreadable.DAMAGED) from None


def _headings_by(separator: str, text: str) -> int:
    """How many headings are found in the first rows where this stands between them."""
    head = "\n".join(text.splitlines()[:_HEAD_ROWS])
    try:
        rows = list(_split(head, separator))
    except csv.Error:
        return 0
    return max((sum(column_of(_clean(one)) is not None for one in row) for row in rows), default=0)


def _split(text: str, separator: str) -> Iterable[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


# --- Excel --------------------------------------------------------------------------------------


def _workbook_rows(data: bytes) -> Iterator[_Row]:
    _refuse_swollen(data)
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # it would be read in for nothing
    import openpyxl  # noqa: PLC0415 - CSV files do not need it
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415 - as above

    try:
        book = openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
        sheet = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
        if sheet is None:
            raise FileRefused(Unreadable.NO_HEADINGS)
        sheet.reset_dimensions()  # what the file says of its size need not be so
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > _MOST_LOOKED_AT:
                raise FileRefused(Unreadable.TOO_MANY_ROWS)
            yield number, [_cell(value) for value in values[:_MOST_COLUMNS]]
    except (FileRefused, MemoryError, GeneratorExit):
        raise
    except Exception as error:  # a damaged workbook raises what its parts please
        hostile = any(isinstance(one, DefusedXmlException) for one in _causes(error))
        raise FileRefused(Unreadable.HOSTILE if hostile else Unreadable.DAMAGED) from None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised for: openpyxl hands on an error of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refuse_swollen(data: bytes) -> None:
    """Before anything is unpacked: what the archive says of itself, which `zipfile` holds it to."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError):
        raise FileRefused(Unreadable.DAMAGED) from None
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > _MOST_PARTS or unpacked > _MOST_UNPACKED_BYTES:
        raise FileRefused(Unreadable.SWOLLEN)
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        raise FileRefused(Unreadable.NO_TABLE)


def _cell(value: object) -> _Cell:
    if value is None:
        return _Cell("")
    if isinstance(value, bool):
        return _Cell("TRUE" if value else "FALSE")
    if isinstance(value, float) and value.is_integer():
        return _Cell(str(int(value)))
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return _Cell(str(value), is_date=True)
    return _Cell(_clean(_ESCAPED.sub(_unescaped, str(value))))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _clean(text: str) -> str:
    return text.strip()[:_MOST_SIGNS]


# --- the process --------------------------------------------------------------------------------


def answer_to(data: bytes) -> bytes:
    """What the process answers to a file."""
    try:
        return dump(read_table(data))
    except FileRefused as refused:
        return dump_refused(refused)
    except MemoryError:
        return dump_refused(FileRefused(Unreadable.SWOLLEN))


def main() -> None:
    """The file on standard input, the table on standard output."""
    answer(answer_to(given()))
