"""What right rows would do alone: what leans on a wrong row is left out with it."""

from __future__ import annotations

import pytest

from server.importing.columns import Column
from server.importing.plan import plan_of
from server.importing.right_rows import MOST_LEANING, right_of
from server.importing.table import Table, TableRow
from server.importing.wanted import ImportPlan
from tests.unit.server.importing.test_plan import KNOWN, planned

S, _, C, _, D, P, U, _ = Column
BEGIN = "河湾小学|乡村|一班"  # row 2, right whatever comes below it


def right(*rows: str) -> tuple[ImportPlan, dict[int, list[Column | None]]] | None:
    """What is left, and the columns at fault of the rows that are not."""
    found = right_of(planned(*rows, known=KNOWN), KNOWN)
    if found is None:
        return None
    plan, left_out = found
    return plan, {row.number: [one.column for one in row.faults] for row in left_out}


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        # What a wrong row says of a classroom stands in it alone; below, the cell was left empty.
        (["河湾小学||媒体教室|没有的配置|教室电脑", "||||讲台电脑"], {3: [Column.PROFILE], 4: [C]}),
        (["||媒体教室|audio-only||王老师|王", "||媒体教室||电脑"], {3: [U], 4: [C]}),
        # Above the wrong row, and in a row that is right about something else.
        (["||媒体教室||电脑|王老师|wang", "||媒体教室|没有"], {3: [C], 4: [Column.PROFILE]}),
        # It says what would be made anyhow: nothing else comes of it.
        (["||媒体教室|standard||王老师|王", "||媒体教室||电脑"], {3: [U]}),
        (["||媒体教室|audio-only||王老师|王", "||媒体教室|audio-only|电脑"], {3: [U]}),
        (["||媒体教室|||王老师|王", "||媒体教室||电脑"], {3: [U]}),
        # Another school's classroom of that name.
        (["||媒体教室|没有", "青山小学||媒体教室||电脑"], {3: [Column.PROFILE]}),
        # A classroom that is known stays as it is.
        (["青山小学||3班A组|没有", "青山小学||3班A组||电脑"], {3: [Column.PROFILE]}),
        # Two rows that contradict each other: who knows which is right.
        (["||二班|standard", "||二班|audio-only"], {3: [C], 4: [Column.PROFILE]}),
        (["远山小学|乡村|", "远山小学|城市|"], {3: [S], 4: [Column.KIND]}),
        (["|||||王老师|wang", "|||||汪老师|wang"], {3: [U], 4: [P]}),
        # People: with which role, and of which school.
        (["|||||王老师|wang|校长", "|||||王老师|wang"], {3: [Column.ROLE], 4: [U]}),
        (["||二班|没有||王老师|wang|管理员", "|||||王老师|wang"], {3: [Column.PROFILE], 4: [U]}),
        (["||二班|#N/A||王老师|wang", "-|||||王老师|wang"], {3: [Column.PROFILE], 4: [U]}),
        (["||二班|没有||王老师|wang", "|||||王老师|wang"], {3: [Column.PROFILE]}),
        (["||二班|没有||李老师|li|管理员", "|||||李老师|li"], {3: [Column.PROFILE]}),
        # On what leans there leans what it says of others.
        (
            ["||二班|没有", "||二班|||王老师|wang|管理员", "||三班|||王老师|wang"],
            {3: [Column.PROFILE], 4: [C], 5: [U]},
        ),
    ],
)
def test_what_leans_on_a_wrong_row_is_left_out_with_it(
    rows: list[str], left_out: dict[int, list[Column | None]]
) -> None:
    found = right(BEGIN, *rows)
    assert found is not None
    plan, found_left_out = found
    assert found_left_out == left_out
    assert [row.number for row in plan.rows] == [
        number for number in range(2, len(rows) + 3) if number not in left_out
    ]
    assert plan.wrong == 0


def test_it_says_which_row_is_wrong() -> None:
    found = right_of(planned(BEGIN, "||二班|没有", "||二班||电脑"), KNOWN)
    assert found is not None
    (fault,) = found[1][1].faults
    assert fault.text.zh == "这间教室写在第 3 行，那一行不对。"
    assert fault.text.en == "Row 3, which is wrong, says what this classroom is."


def test_a_name_that_excel_has_made_a_date_of_is_wrong_in_the_rows_below_too() -> None:
    rows = (
        TableRow(2, {S: "青山小学", C: "2026-03-02", D: "教室电脑"}, frozenset({C})),
        TableRow(3, {P: "王老师", U: "wang"}),
        TableRow(4, {D: "讲台电脑"}),
        TableRow(5, {C: "二班", D: "讲台电脑"}),
    )
    plan = plan_of(Table("Excel", (), rows), KNOWN)
    assert [bool(row.faults) for row in plan.rows] == [True, False, True, False]


@pytest.mark.parametrize(("links", "comes_to_an_end"), [(4, True), (2 * MOST_LEANING, False)])
def test_a_long_chain_of_rows_that_lean_on_each_other_is_given_up(
    links: int, comes_to_an_end: bool
) -> None:
    """Each row says of a classroom or a person what the next, which names it too, does not."""
    chain = ["||0号|没有"]
    for number in range(links):
        room = f"||{number // 2}号" if number % 2 == 0 else f"||{number // 2 + 1}号|audio-only"
        role = "管理员" if number % 2 == 0 else ""
        chain.append(f"{room}{'|' * (5 - room.count('|'))}王老师|wang{number // 2}|{role}")
    found = right(BEGIN, *chain)
    assert (found is not None) == comes_to_an_end
    if found is not None:
        assert len(found[1]) == len(chain)
