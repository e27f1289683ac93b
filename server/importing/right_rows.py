"""What the right rows of a table would do alone, and which rows are left out for it.

A row leans on a wrong one if it cannot be carried out without it, or if it would make something
else of a thing than the wrong row says: a classroom that is named again below the row that says
what stands in it would come with the standard profile. What is known already stays as it is, and
nothing leans on what a wrong row would have changed of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from server.errors import Text
from server.importing.columns import Column
from server.importing.known import Known
from server.importing.plan import plan_of_rows
from server.importing.terms import is_no_school, kind_of, role_of
from server.importing.wanted import CellFault, Change, ImportPlan, PlannedRow
from server.names import look_of

# Each turn leaves out what leans on the rows of the turn before, and plans the rest: people's
# tables need two or three, and a chain of 5,000 rows is nobody's.
MOST_LEANING = 10

Cells = Mapping[Column, str]
# A thing that rows name: the column of its name, and its look (a classroom's with its school's).
Named = tuple[Column, tuple[str, ...]]

_LEANS: dict[Column, Text] = {
    Column.SCHOOL: Text(
        "这所学校写在第 {row} 行，那一行不对。",
        "Row {row}, which is wrong, says what this school is.",
    ),
    Column.CLASSROOM: Text(
        "这间教室写在第 {row} 行，那一行不对。",
        "Row {row}, which is wrong, says what this classroom is.",
    ),
    Column.USERNAME: Text(
        "这个人写在第 {row} 行，那一行不对。",
        "Row {row}, which is wrong, says who this is.",
    ),
}


def right_of(plan: ImportPlan, known: Known) -> tuple[ImportPlan, list[PlannedRow]] | None:
    """What the plan's right rows would do alone, and the rows that are left out for it.

    A row that leans on a wrong one is left out with it, and so on; None when that leaves nothing
    that does something, or takes more turns than anybody's table.
    """
    left_out: list[PlannedRow] = []
    for _ in range(MOST_LEANING):
        wrong = [row for row in _leaning(plan, left_out, known) if row.faults]
        if not wrong:
            does_something = any(
                count[Change.NEW] + count[Change.CHANGED] for count in plan.counts.values()
            )
            left_out.sort(key=lambda row: row.number)
            return (plan, left_out) if left_out and does_something else None
        left_out += wrong
        gone = {row.number for row in wrong}
        kept = [row for row in plan.meant if row.number not in gone]
        plan = plan_of_rows(plan.table, kept, known)
    return None


def _leaning(
    plan: ImportPlan, left_out: Iterable[PlannedRow], known: Known
) -> Iterator[PlannedRow]:
    """The plan's rows; those that lean on one that is left out have a fault that says so."""
    otherwise: dict[Named, int] = {}
    for row in left_out:
        for named in _said_otherwise(row.cells, plan, known):
            otherwise[named] = min(row.number, otherwise.get(named, row.number))
    for row in plan.rows:
        faults = tuple(
            _leans(named[0], otherwise[named]) for named in _named(row.cells) if named in otherwise
        )
        yield replace(row, faults=row.faults + faults) if faults else row


def _leans(column: Column, number: int) -> CellFault:
    text = _LEANS[column]
    return CellFault(column, Text(text.zh.format(row=number), text.en.format(row=number)))


def _named(cells: Cells) -> list[Named]:
    school = look_of(cells.get(Column.SCHOOL, ""))
    room = look_of(cells.get(Column.CLASSROOM, ""))
    named: list[Named] = [
        (Column.SCHOOL, (school,)),
        (Column.CLASSROOM, (school, room)),
        (Column.USERNAME, (look_of(cells.get(Column.USERNAME, "")),)),
    ]
    return [one for one in named if one[1][-1]]


def _said_otherwise(cells: Cells, plan: ImportPlan, known: Known) -> Iterator[Named]:
    """Of what a row names: what the plan would make, and make something else of than it says."""
    for named in _named(cells):
        column, key = named
        if column is Column.SCHOOL:
            is_other = _is_another_school(cells, plan, key[0])
        elif column is Column.CLASSROOM:
            is_other = _is_another_room(cells, plan, (key[0], key[1]), known)
        else:
            is_other = _is_another_person(cells, plan, key[0])
        if is_other:
            yield named


def _is_another_school(cells: Cells, plan: ImportPlan, key: str) -> bool:
    made = plan.schools.get(key)
    said = cells.get(Column.KIND, "")
    return made is not None and made.known is None and bool(said) and kind_of(said) is not made.kind


def _is_another_room(cells: Cells, plan: ImportPlan, key: tuple[str, str], known: Known) -> bool:
    made = plan.classrooms.get(key)
    said = cells.get(Column.PROFILE, "")
    if made is None or made.known is not None or not said:
        return False
    return known.profiles.get(look_of(said)) != made.profile


def _is_another_person(cells: Cells, plan: ImportPlan, key: str) -> bool:
    made = plan.people.get(key)
    if made is None or made.known is not None:
        return False
    name, role = cells.get(Column.PERSON, ""), cells.get(Column.ROLE, "")
    school = cells.get(Column.SCHOOL, "")
    return (
        bool(name and look_of(name) != look_of(made.display_name))
        or bool(role and role_of(role) is not made.role)
        or bool(school and (None if is_no_school(school) else look_of(school)) != made.school)
    )
