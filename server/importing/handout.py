"""The file in which new credentials and one-time addresses are handed out: CSV that Excel opens.

With a byte order mark, because Excel takes a file without one for the local coding. A cell that a
table program would run as a formula is made text (OWASP: CSV injection): names are strangers'
words.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterable

from server.errors import Text
from server.importing.carry_out import HandedOut
from server.importing.columns import HEADINGS, Column
from server.importing.terms import is_no_school
from server.importing.wanted import CellFault, PlannedRow
from server.schools.places import room_address

# At a cell's beginning, and where a program that takes another sign for the separator (Excel in
# half of Europe, LibreOffice as it is installed) begins a cell of its own.
_STARTS_A_FORMULA = re.compile(r"(^|[,;|])(?=\s*[=+\-@＝＋－＠])|^(?=[\t\r])")
_HEADINGS = (
    HEADINGS[Column.SCHOOL],
    Text("教室或姓名", "Classroom or name"),
    Text("设备或用户名", "Device or user name"),
    Text("打开这个地址", "Open this address"),
    Text("说明", "What to do"),
)
_ROW = Text("原表行号", "Row before")
_WHY = Text("哪里不对", "What is wrong")
_ROOM = Text(
    "在这间教室的电脑上打开一次；不要在别的电脑上打开。",
    "Open it once on this classroom's PC, and on no other.",
)
_PERSON = Text(
    "打开一次即登录，然后设置自己的密码。{day} 之前有效。",
    "It signs in once; then set a password of your own. Good until {day}.",
)


def key_address(base: str, key: str) -> str:
    """The address that signs somebody in once; the key is in the fragment: no server logs it."""
    return f"{base}/key#key={key}"


def handout_csv(handed_out: HandedOut, *, base: str, chinese: bool) -> str:
    """The file's text; `base` is what addresses begin with."""
    day = datetime.datetime.fromtimestamp(handed_out.keys_expire_at).astimezone().date()

    def said(text: Text) -> str:
        return (text.zh if chinese else text.en).format(day=day.isoformat())

    rows = [[said(heading) for heading in _HEADINGS]]
    rows += [
        [one.school, one.classroom, one.label, room_address(base, one.secret), said(_ROOM)]
        for one in handed_out.devices
    ]
    rows += [
        [one.school, one.display_name, one.username, key_address(base, one.key), said(_PERSON)]
        for one in handed_out.people
    ]
    return csv_text(rows)


def wrong_rows_csv(rows: Iterable[PlannedRow], *, chinese: bool) -> str:
    """Rows that were left out, with what is wrong in each: to be mended and imported again."""

    def said(text: Text) -> str:
        return text.zh if chinese else text.en

    def why(fault: CellFault) -> str:
        where = f"{said(HEADINGS[fault.column])}: " if fault.column else ""
        return where.replace(": ", "：" if chinese else ": ") + said(fault.text)

    columns = list(HEADINGS)
    head = [*(said(HEADINGS[column]) for column in columns), said(_ROW), said(_WHY)]
    return csv_text(
        [
            head,
            *(
                [
                    *(row.cells.get(column, "") for column in columns),
                    str(row.number),
                    " ".join(why(fault) for fault in row.faults),
                ]
                for row in rows
            ),
        ]
    )


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Rows as a CSV file that Excel reads as text. All is quoted: a name may have separators."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(
        [harmless(cell) for cell in row] for row in rows
    )
    return "\ufeff" + written.getvalue()


def harmless(cell: str) -> str:
    """The cell so that no table program runs it."""
    if is_no_school(cell):  # `-`, which is read again as that
        return cell
    return _STARTS_A_FORMULA.sub(r"\1'", cell)
