"""The template of a table: headings, a note to whoever fills it in, examples.

As CSV, and as an Excel workbook, which a process of its own makes (`main`): a running server does
not read in what that takes. The note and the examples begin with `#` and are not imported, so that
a template that is sent back as it is does nothing.
"""

from __future__ import annotations

import io
import sys

from server.children.bounded import answer, given
from server.errors import Text
from server.importing.columns import HEADINGS, Column
from server.importing.handout import csv_text
from server.importing.table import MOST_ROWS

_NOTE = Text(
    "# 以 # 开头的行只是说明，不会导入。空格子表示不变；学校空着，即与上一行相同；不属于任何学校，"
    "写“-”。同一个文件可以反复导入。",
    "# Rows that begin with # are notes and are not imported. An empty cell changes nothing; an "
    "empty school is that of the row above; “-” is none. The same file may be imported again.",
)
_URBAN, _RURAL = Text("城市", "Urban"), Text("乡村", "Rural")
_TEACHER, _ADMINISTRATOR = Text("教师", "Teacher"), Text("管理员", "Administrator")
_EXAMPLES: tuple[dict[Column, Text], ...] = (
    {
        Column.SCHOOL: Text("# 实验小学", "# Lead School"),
        Column.KIND: _URBAN,
        Column.CLASSROOM: Text("三（2）班", "Class 3 (2)"),
        Column.DEVICE: Text("教室电脑", "The PC on the wall"),
        Column.PERSON: Text("李老师", "Ms Li"),
        Column.USERNAME: Text("liwei", "liwei"),
        Column.ROLE: _TEACHER,
    },
    {
        Column.SCHOOL: Text("# 青山小学", "# Valley School"),
        Column.KIND: _RURAL,
        Column.CLASSROOM: Text("多媒体教室", "Media room"),
        Column.PROFILE: Text("standard", "standard"),
        Column.DEVICE: Text("教室电脑", "The PC on the wall"),
    },
)
_WIDTHS = {Column.SCHOOL: 28, Column.CLASSROOM: 22, Column.DEVICE: 22, Column.PROFILE: 18}
_USUAL_WIDTH = 15


def template_rows(*, chinese: bool) -> list[list[str]]:
    """The template's rows, the headings first."""

    def said(text: Text) -> str:
        return text.zh if chinese else text.en

    rows = [[said(HEADINGS[column]) for column in Column], [said(_NOTE)]]
    for example in _EXAMPLES:
        rows.append([said(example[one]) if one in example else "" for one in Column])
    return rows


def template_csv(*, chinese: bool) -> bytes:
    """The template as CSV."""
    return csv_text(template_rows(chinese=chinese)).encode()


def template_book(*, chinese: bool) -> bytes:
    """The template as a workbook: its cells are text, so that `3-1` becomes no date."""
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type] # for nothing
    from openpyxl import Workbook  # noqa: PLC0415 - see the file's head
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415 - as above
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as above
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415 - as above

    book = Workbook()
    sheet = book.active
    sheet.title = "导入" if chinese else "Import"
    for row in template_rows(chinese=chinese):
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDF1EE")
    for row in sheet.iter_rows(min_row=2, max_row=2 + len(_EXAMPLES)):
        for cell in row:
            cell.font = Font(color="777777")
    sheet.freeze_panes = "A2"
    last = MOST_ROWS + 1
    for at, column in enumerate(Column, 1):
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column, _USUAL_WIDTH)
        sheet.column_dimensions[letter].number_format = "@"
        choices = {Column.KIND: (_URBAN, _RURAL), Column.ROLE: (_TEACHER, _ADMINISTRATOR)}.get(
            column
        )
        if choices:
            words = ",".join(one.zh if chinese else one.en for one in choices)
            picked = DataValidation("list", formula1=f'"{words}"', allow_blank=True)
            sheet.add_data_validation(picked)
            picked.add(f"{letter}2:{letter}{last}")
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def main() -> None:
    """`zh` or `en` on standard input, the workbook on standard output."""
    chinese = given().strip() == b"zh"
    answer(template_book(chinese=chinese))
