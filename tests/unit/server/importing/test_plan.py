"""What a table would do: as a table of tables. No database, no files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.database.models import SchoolKind, UserRole
from server.importing.columns import Column
from server.importing.known import Known, KnownClassroom, KnownPerson, KnownSchool
from server.importing.plan import plan_of
from server.importing.table import Table, TableRow
from server.importing.wanted import Change, ImportPlan, Thing
from server.names import look_of

HEAD = tuple(Column)
S, K, C, H, D, P, U, R = HEAD
NOTHING = Known({}, {}, frozenset(), {}, {"standard": "standard", look_of("标准教室"): "standard"})
KNOWN = replace(
    NOTHING,
    schools={look_of("青山小学"): KnownSchool("s1", "青山小学", SchoolKind.RURAL)},
    classrooms={("s1", look_of("3班A组")): KnownClassroom("c1", "3班A组", "standard")},
    devices={("c1", look_of("教室电脑"))},
    people={
        "li": KnownPerson("u1", "li", "李老师", UserRole.TEACHER, "s1"),
        "root": KnownPerson("u2", "root", "管理员", UserRole.ADMINISTRATOR, None),
    },
    profiles={**NOTHING.profiles, "audio-only": "audio-only"},
)


def planned(*rows: str, known: Known = KNOWN) -> ImportPlan:
    """Rows as cells between bars, in the columns' order; the first is number 2."""
    table = []
    for number, row in enumerate(rows, 2):
        cells = [cell.strip() for cell in row.split("|")]
        named = zip(HEAD, cells, strict=False)
        table.append(TableRow(number, {column: cell for column, cell in named if cell}))
    return plan_of(Table("CSV", (), tuple(table)), known)


def done(plan: ImportPlan) -> list[list[tuple[Thing, Change]]]:
    return [[(step.thing, step.change) for step in row.steps] for row in plan.rows]


def faults(plan: ImportPlan) -> list[tuple[int, Column | None]]:
    return [(row.number, fault.column) for row in plan.rows for fault in row.faults]


NEW, CHANGED, SAME = Change.NEW, Change.CHANGED, Change.SAME
SCHOOL, ROOM, DEVICE, PERSON = Thing


def test_one_row_makes_a_school_with_all_that_is_in_it() -> None:
    plan = planned("河湾小学|乡村|一班|标准教室|电脑|王老师|wang|教师")
    assert done(plan) == [[(SCHOOL, NEW), (ROOM, NEW), (DEVICE, NEW), (PERSON, NEW)]]
    assert plan.wrong == 0
    (person,) = plan.people.values()
    assert (person.school, person.role) == (look_of("河湾小学"), UserRole.TEACHER)


def test_what_stands_already_stays() -> None:
    plan = planned("青山小学|乡村|3班A组|标准教室|教室电脑|李老师|li|教师")
    assert done(plan) == [[(SCHOOL, SAME), (ROOM, SAME), (DEVICE, SAME), (PERSON, SAME)]]
    assert all(count[NEW] + count[CHANGED] == 0 for count in plan.counts.values())


@pytest.mark.parametrize(
    "row",
    ["青山小学\u200b||３班Ａ组||教室电脑|李老师|ＬＩ", "⻘山小学||3班а组||教室电脑||Li"],
)
def test_names_that_people_read_as_one_are_one(row: str) -> None:
    plan = planned(row)
    assert faults(plan) == []
    assert {change for steps in done(plan) for _, change in steps} == {SAME}


@pytest.mark.parametrize(
    ("row", "thing", "before"),
    [
        ("青山小学|城市", SCHOOL, ((K, "rural"),)),
        ("青山小学||3班A组|audio-only", ROOM, ((H, "standard"),)),
        ("青山小学|||||李伟|li", PERSON, ((P, "李老师"),)),
        ("-|||||李老师|li", PERSON, ((S, "青山小学"),)),
        ("青山小学||||||li|管理员", PERSON, ((R, "teacher"),)),
    ],
)
def test_a_change_tells_what_was_before(
    row: str, thing: Thing, before: tuple[tuple[Column, str], ...]
) -> None:
    plan = planned(row)
    assert faults(plan) == []
    (step,) = [one for one in plan.rows[0].steps if one.change is CHANGED]
    assert (step.thing, step.before) == (thing, before)
    assert plan.counts[thing][CHANGED] == 1


def test_empty_cells_change_nothing_and_mean_the_school_above() -> None:
    plan = planned(
        "河湾小学|乡村|一班||电脑一", "||||电脑二", "||二班", "|||||王|wang", "青山小学||||||li"
    )
    assert faults(plan) == []
    assert {key[:2] for key in plan.devices} == {(look_of("河湾小学"), look_of("一班"))}
    assert len(plan.classrooms) == 2
    assert plan.people["wang"].school == look_of("河湾小学")
    assert done(plan)[4] == [(SCHOOL, SAME), (PERSON, SAME)]


def test_another_school_has_other_classrooms() -> None:
    plan = planned("河湾小学|乡村|一班", "石桥小学|乡村|||电脑")
    assert faults(plan) == [(3, C)]


def test_a_kind_may_stand_in_any_row_of_its_school() -> None:
    plan = planned("河湾小学||一班", "河湾小学|乡村|二班")
    assert faults(plan) == []
    assert [one.kind for one in plan.schools.values()] == [SchoolKind.RURAL]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["河湾小学"], [(2, K)]),
        (["河湾小学|郊区"], [(2, K)]),
        (["|乡村"], [(2, S)]),
        (["----|乡村"], [(2, S)]),
        (["校" * 121 + "|乡村"], [(2, S)]),
        (["河湾\a小学|乡村"], [(2, S)]),
        (["||一班"], [(2, S)]),
        (["-||一班"], [(2, S)]),
        (["青山小学||一班|电影院"], [(2, H)]),
        (["青山小学|||标准教室"], [(2, C)]),
        (["青山小学||||电脑"], [(2, C)]),
        (["青山小学|||||王老师"], [(2, U)]),
        (["青山小学||||||wang"], [(2, P)]),
        (["青山小学|||||王|a b"], [(2, U)]),
        (["青山小学|||||王|wang|校长"], [(2, R)]),
        (["-|||||管理员|root|教师"], [(2, R)]),
        (["河湾小学|乡村", "河湾小学|城市"], [(3, K)]),
        (["青山小学||一班|standard", "青山小学||一班|audio-only"], [(3, H)]),
        (["青山小学|||||王|wang", "青山小学|||||汪|wang"], [(3, P)]),
        (["青山小学|||||王|wang", "河湾小学|乡村||||王|wang"], [(3, S)]),
        (["-"], [(2, None)]),
        (["#N/A|乡村|一班"], [(2, S)]),
        (["青山小学||#REF!||#VALUE!"], [(2, C), (2, D)]),
        (["青山小学||一班|电影院||王|a b"], [(2, H), (2, U)]),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(
    rows: list[str], expected: list[tuple[int, Column | None]]
) -> None:
    plan = planned(*rows)
    assert faults(plan) == expected
    assert plan.wrong == 1
    assert all(fault.text.zh and fault.text.en for row in plan.rows for fault in row.faults)


def test_a_cell_that_excel_has_made_a_date_of_is_told() -> None:
    table = Table("Excel", (), (TableRow(2, {S: "青山小学", C: "2026-03-01"}, frozenset({C})),))
    plan = plan_of(table, KNOWN)
    assert faults(plan) == [(2, C)]
    assert "文本" in plan.rows[0].faults[0].text.zh


def test_a_plan_is_agreed_to_by_what_it_does() -> None:
    row = "河湾小学|乡村|一班"
    assert planned(row).digest == planned(row).digest
    assert planned(row).digest != planned(row + "|audio-only").digest
    there = replace(KNOWN, schools={look_of("河湾小学"): KnownSchool("s9", "x", SchoolKind.RURAL)})
    assert planned(row).digest != planned(row, known=there).digest


def test_many_rows_are_counted_thing_by_thing() -> None:
    rows = [f"学校{n % 10}|乡村|{n}班||电脑{n}|教师{n}|t{n}" for n in range(300)]
    plan = planned(*rows)
    assert plan.wrong == 0
    assert [plan.counts[thing][NEW] for thing in Thing] == [10, 300, 300, 300]
