"""Tables out of files: every coding and separator that Excel writes, and files that mean harm."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from server.children.once import ask_once
from server.importing import reader
from server.importing.columns import Column, column_of
from server.importing.reader import answer_to, read_table
from server.importing.table import FileRefused, Table, Unreadable, load
from server.importing.template import template_book, template_csv
from tests.unit.server.importing.workbooks import part_of, with_part, workbook

S, K, C, P, U = Column.SCHOOL, Column.KIND, Column.CLASSROOM, Column.PERSON, Column.USERNAME
ROWS = [["学校", "类型", "教室"], ["青山小学", "乡村", "一班"], ["实验小学", "城市", "媒体，教室"]]
READ = [
    (2, {S: "青山小学", K: "乡村", C: "一班"}),
    (3, {S: "实验小学", K: "城市", C: "媒体，教室"}),
]
SHEET = "xl/worksheets/sheet1.xml"


def csv_of(separator: str) -> str:
    return "\r\n".join(separator.join(row) for row in ROWS) + "\r\n"


def rows_of(table: Table) -> list[tuple[int, dict[Column, str]]]:
    return [(row.number, dict(row.cells)) for row in table.rows]


def refused(data: bytes) -> Unreadable:
    with pytest.raises(FileRefused) as raised:
        read_table(data)
    return raised.value.why


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_csv_in_every_coding_with_every_separator(coding: str, separator: str) -> None:
    table = read_table(csv_of(separator).encode(coding))
    assert rows_of(table) == READ
    assert table.format.startswith("CSV, ")


def test_what_excel_says_of_the_separator_counts() -> None:
    assert rows_of(read_table(("sep=;\r\n" + csv_of(";")).encode())) == [
        (number + 1, cells) for number, cells in READ
    ]


def test_quoted_cells_hold_separators_and_lines() -> None:
    table = read_table('学校,姓名,用户名\n"山, ""村""",李,li\n"a\nb",王,wang\n'.encode())
    assert [row.cells[S] for row in table.rows] == ['山, "村"', "a\nb"]


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("学校", S),
        (" ＳＣＨＯＯＬ ", S),
        ("*学校名称（必填）", S),
        ("School Name [required]", S),
        ("User name:", U),
        ("账号", U),
        ("display name", P),
        ("备注", None),
        ("", None),
    ],
)
def test_headings_of_both_languages(heading: str, column: Column | None) -> None:
    assert column_of(heading) is column


def test_a_title_above_and_other_columns_and_notes_do_no_harm() -> None:
    table = read_table(
        "清河县学校汇总表,,\n,,\n学校,电话,教室\n# 例,1,二班\n\n青山小学,123,一班\n,,\n".encode()
    )
    assert table.unused == ("电话",)
    assert rows_of(table) == [(6, {S: "青山小学", C: "一班"})]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (["青山小学", 3, 13800138000], {S: "青山小学", C: "3", U: "13800138000"}),
        (["青山小学", 3.0, 1.5], {S: "青山小学", C: "3", U: "1.5"}),
        ([" 青山小学 ", None, True], {S: "青山小学", U: "TRUE"}),
        (
            ["青山小学_x000D_", "一_x005F_x000D_", "a_x0000_b"],
            {S: "青山小学", C: "一_x000D_", U: "a\0b"},
        ),
    ],
)
def test_excel_cells_of_every_kind(values: list[Any], cells: dict[Column, str]) -> None:
    table = read_table(workbook([["学校", "教室", "用户名"], values]))
    assert rows_of(table) == [(2, cells)]
    assert table.format == "Excel"


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!"])
def test_a_formula_that_failed_is_no_note(error: str) -> None:
    """The row is there, to be told as wrong: who has many would not miss it."""
    for data in (
        f"学校,教室\n{error},一班\n".encode(),
        workbook([["学校", "教室"], [error, "一班"]]),
    ):
        assert rows_of(read_table(data)) == [(2, {S: error, C: "一班"})]


def test_a_cell_that_excel_has_made_a_date_of_is_marked() -> None:
    table = read_table(workbook([["学校", "教室"], ["青山小学", datetime.date(2026, 3, 1)]]))
    assert [row.dates for row in table.rows] == [frozenset({C})]


def test_merged_cells_leave_the_rest_empty() -> None:
    rows = [["学校", "教室"], ["青山小学", "一班"], ["", "二班"]]
    assert rows_of(read_table(workbook(rows, merged="A2:A3"))) == [
        (2, {S: "青山小学", C: "一班"}),
        (3, {C: "二班"}),
    ]


def test_a_formula_counts_by_the_value_that_excel_saw_last() -> None:
    data = workbook([["学校", "教室"], ["青山小学", "=1+1"]])
    sheet = part_of(data, SHEET)
    assert b"<v />" in sheet or b"<v/>" in sheet or b"<v></v>" in sheet
    for empty in (b"<v />", b"<v/>", b"<v></v>"):
        sheet = sheet.replace(empty, b"<v>2</v>")
    assert rows_of(read_table(with_part(data, SHEET, sheet))) == [(2, {S: "青山小学", C: "2"})]


@pytest.mark.parametrize("template", [template_csv, template_book])
@pytest.mark.parametrize("chinese", [True, False])
def test_the_template_itself_has_every_column_and_no_row(template: Any, chinese: bool) -> None:
    table = read_table(template(chinese=chinese))
    assert table.rows == ()
    assert table.unused == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", Unreadable.EMPTY),
        (b"\r\n \0\0", Unreadable.EMPTY),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", Unreadable.NO_TABLE),
        (b"\xff\xfe\x00", Unreadable.NO_TABLE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), Unreadable.OLD_EXCEL),
        (b"PK\x03\x04" + bytes(100), Unreadable.DAMAGED),
        ("姓,名\n李,伟\n".encode(), Unreadable.NO_HEADINGS),
        ("学校,教室,学校名称\n一,二,三\n".encode(), Unreadable.HEADING_TWICE),
        (("学校\n" + "山\n" * 5001).encode(), Unreadable.TOO_MANY_ROWS),
        (('学校,教室\n"' + "山" * 200_000).encode(), Unreadable.DAMAGED),
    ],
)
def test_what_is_no_table_is_refused_by_name(data: bytes, why: Unreadable) -> None:
    assert refused(data) is why


def test_5000_rows_are_read() -> None:
    assert len(read_table(("学校\n" + "山\n" * 5000).encode()).rows) == 5000


def test_rows_that_are_only_coloured_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MOST_LOOKED_AT", 50)
    rows: list[list[Any]] = [["学校"], ["山"], *([[None]] * 60), ["水"]]
    assert refused(workbook(rows)) is Unreadable.TOO_MANY_ROWS


def test_an_archive_that_grows_a_thousandfold_is_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reader._MOST_UNPACKED_BYTES == 64 << 20
    monkeypatch.setattr(reader, "_MOST_UNPACKED_BYTES", 1 << 20)
    bomb = with_part(workbook(ROWS), "xl/media/image1.bmp", bytes(1 << 20))
    assert len(bomb) < 10_000
    assert refused(bomb) is Unreadable.SWOLLEN


def test_an_archive_that_lies_about_its_size_is_damaged() -> None:
    data = workbook(ROWS)
    sheet = part_of(data, SHEET)
    size = len(sheet).to_bytes(4, "little")
    assert data.count(size) >= 2
    assert (
        refused(data.replace(size, (len(sheet) // 2).to_bytes(4, "little"))) is Unreadable.DAMAGED
    )


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("part", [SHEET, "xl/styles.xml", "xl/workbook.xml"])
def test_entities_are_refused_wherever_they_stand(part: str, coding: str) -> None:
    data = workbook(ROWS)
    text = part_of(data, part).decode().partition("?>")[2] or part_of(data, part).decode()
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    evil = (
        f'<?xml version="1.0" encoding="{coding}"?><!DOCTYPE x [<!ENTITY e0 "ha">{laughs}'
        f'<!ENTITY f SYSTEM "file:///etc/passwd">]>{text}'
    )
    assert refused(with_part(data, part, evil.encode(coding))) is Unreadable.HOSTILE


@pytest.mark.parametrize("name", ["[Content_Types].xml", "xl/workbook.xml", SHEET])
@pytest.mark.parametrize("content", [b"", b"<x", b"\0" * 100, b"<a/>"])
def test_damaged_parts_are_refused(name: str, content: bytes) -> None:
    why = refused(with_part(workbook(ROWS), name, content))
    assert why in {Unreadable.DAMAGED, Unreadable.NO_HEADINGS}


async def test_the_process_answers_as_the_function_does() -> None:
    data = workbook(ROWS)
    answer = await ask_once("server.importing.reader", data)
    assert load(answer) == load(answer_to(data)) == read_table(data)


async def test_many_rows_are_read_as_far_as_the_limit_and_no_further() -> None:
    data = workbook([["学校"], ["山"]])
    sheet = part_of(data, SHEET).decode()
    row = '<row r="{}"><c r="A{}" t="inlineStr"><is><t>s</t></is></c></row>'
    many = "".join(row.format(n, n) for n in range(3, 10_000)) + row.format(1_048_576, 1_048_576)
    hostile = with_part(data, SHEET, sheet.replace("</sheetData>", many + "</sheetData>").encode())
    with pytest.raises(FileRefused) as raised:
        load(await ask_once("server.importing.reader", hostile))
    assert raised.value.why is Unreadable.TOO_MANY_ROWS
