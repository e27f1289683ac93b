"""What a table would do: new, changed and wrong, row by row; nothing is written here.

A row says as much as it likes: a school, a classroom in it, a device of the classroom, a person of
the school. What it says again it means once. An empty cell changes nothing; below a school or a
classroom it means that one (merged cells come so). Things are known by their names as people read
them (`server.names`), people by their user names: a table read twice changes nothing the second
time. Nothing is ever taken away: no school goes, and no administrator becomes a teacher.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from server.api.fields import Name, Username
from server.api.refusals import field_texts
from server.database.models import SchoolKind, UserRole
from server.errors import Text
from server.importing.columns import Column, is_error
from server.importing.known import Known, KnownPerson
from server.importing.table import Table, TableRow
from server.importing.terms import is_no_school, kind_of, role_of
from server.importing.wanted import (
    CellFault,
    Change,
    ClassroomWanted,
    DeviceWanted,
    ImportPlan,
    PersonWanted,
    PlannedRow,
    SchoolWanted,
    Step,
    Thing,
)
from server.names import look_of
from server.node.hardware import STANDARD_PROFILE


def plan_of(table: Table, known: Known) -> ImportPlan:
    """What this table would do now."""
    return plan_of_rows(table, list(_filled(table.rows)), known)


def plan_of_rows(table: Table, meant: Sequence[TableRow], known: Known) -> ImportPlan:
    """What these of its rows would do alone, filled in as they are meant."""
    planner = _Planner(known, _kinds_said(meant))
    rows = tuple(planner.row(row) for row in meant)
    return ImportPlan(
        table,
        tuple(meant),
        rows,
        planner.schools.wanted,
        planner.classrooms.wanted,
        planner.devices.wanted,
        planner.people.wanted,
    )


def _filled(rows: Iterable[TableRow]) -> Iterator[TableRow]:
    """The rows with what those above mean for them, dates that Excel has made of it among that."""
    school = classroom = ""
    dates: frozenset[Column] = frozenset()  # those above
    for row in rows:
        cells = dict(row.cells)
        if Column.SCHOOL in cells:
            classroom = classroom if cells[Column.SCHOOL] == school else ""
            school = cells[Column.SCHOOL]
        elif school:
            cells[Column.SCHOOL] = school
        if Column.CLASSROOM in cells:
            classroom = cells[Column.CLASSROOM]
        elif Column.DEVICE in cells and classroom:
            cells[Column.CLASSROOM] = classroom
        dates = (dates - row.cells.keys()) | row.dates
        yield TableRow(row.number, cells, dates & cells.keys())


def _kinds_said(rows: Iterable[TableRow]) -> dict[str, SchoolKind]:
    """A school's kind may stand in any of its rows: the first that says one."""
    kinds: dict[str, SchoolKind] = {}
    for row in rows:
        kind = kind_of(row.cells.get(Column.KIND, ""))
        if kind is not None:
            kinds.setdefault(look_of(row.cells.get(Column.SCHOOL, "")), kind)
    return kinds


K = TypeVar("K")
W = TypeVar("W")


@dataclass
class _Wanted(Generic[K, W]):
    """Things of one kind, and which row said what of each first."""

    wanted: dict[K, W] = field(default_factory=dict)
    said: dict[K, dict[Column, tuple[int, Any]]] = field(default_factory=dict)

    def contradicted(self, key: K, number: int, column: Column, value: Any) -> int | None:
        """The row that said otherwise; from now on this one has said it, if it is the first."""
        at, first = self.said.setdefault(key, {}).setdefault(column, (number, value))
        return at if first != value else None


_NAME: TypeAdapter[str] = TypeAdapter(Name)
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)


class _Wrong(Exception):
    """A cell is not what it must be."""

    def __init__(self, column: Column | None, zh: str, en: str) -> None:
        super().__init__(zh)
        self.fault = CellFault(column, Text(zh, en))


class _Planner:
    """Reads the rows in their order."""

    def __init__(self, known: Known, kinds: Mapping[str, SchoolKind]) -> None:
        self._known = known
        self._kinds = kinds
        self._school_names = {school.id: school.name for school in known.schools.values()}
        self.schools: _Wanted[str, SchoolWanted] = _Wanted()
        self.classrooms: _Wanted[tuple[str, str], ClassroomWanted] = _Wanted()
        self.devices: _Wanted[tuple[str, str, str], DeviceWanted] = _Wanted()
        self.people: _Wanted[str, PersonWanted] = _Wanted()

    def row(self, row: TableRow) -> PlannedRow:
        """What a row does, or what is wrong with it: as much of that as can be told at once."""
        cells = dict(row.cells)
        faults = [_date_fault(column) for column in sorted(row.dates)]
        faults += [_error_fault(one, cells[one]) for one in cells if is_error(cells[one])]
        steps: list[Step] = []
        if not faults:
            for read in (self._school, self._classroom, self._device, self._person):
                try:
                    if (step := read(row.number, cells)) is not None:
                        steps.append(step)
                except _Wrong as wrong:
                    faults.append(wrong.fault)
        if not steps and not faults:
            faults.append(_NOTHING_SAID)
        return PlannedRow(row.number, cells, tuple(steps), tuple(faults))

    # --- the things a row may name --------------------------------------------------------------

    def _school(self, number: int, cells: dict[Column, str]) -> Step | None:
        written = cells.get(Column.SCHOOL, "")
        if not written or is_no_school(written):
            if Column.KIND in cells:
                raise _Wrong(Column.SCHOOL, "请填写学校名称。", "Which school is it?")
            return None
        name = _checked(_NAME, Column.SCHOOL, written)
        key = look_of(name)
        known = self._known.schools.get(key)
        kind = self._kind_said(number, key, cells)
        before = self.schools.wanted.get(key)
        if kind is None:
            kind = before.kind if before else known.kind if known else self._kinds.get(key)
        if kind is None:
            raise _Wrong(
                Column.KIND,
                f"“{name}”是新学校，请填写类型：城市或乡村。",
                f"“{name}” is a new school: say its kind, urban or rural.",
            )
        self.schools.wanted[key] = SchoolWanted(known.name if known else name, kind, known)
        if known is None:
            return Step(Thing.SCHOOL, Change.SAME if before else Change.NEW)
        if kind == known.kind or (before and before.kind == kind):
            return Step(Thing.SCHOOL, Change.SAME)
        return Step(Thing.SCHOOL, Change.CHANGED, ((Column.KIND, known.kind.value),))

    def _kind_said(self, number: int, key: str, cells: dict[Column, str]) -> SchoolKind | None:
        written = cells.get(Column.KIND, "")
        if not written:
            return None
        kind = kind_of(written)
        if kind is None:
            raise _Wrong(
                Column.KIND,
                f"没有“{written}”这种类型，请填城市或乡村。",
                f"There is no kind “{written}”: write urban or rural.",
            )
        _refuse_contradiction(self.schools, key, number, Column.KIND, kind)
        return kind

    def _classroom(self, number: int, cells: dict[Column, str]) -> Step | None:
        written = cells.get(Column.CLASSROOM, "")
        if not written:
            if Column.PROFILE in cells:
                raise _Wrong(Column.CLASSROOM, "请填写教室名称。", "Which classroom is it?")
            return None
        school, school_id = self._school_of(cells)
        name = _checked(_NAME, Column.CLASSROOM, written)
        key = (school, look_of(name))
        known = self._known.classrooms.get((school_id, key[1])) if school_id else None
        profile = self._profile_said(number, key, cells)
        before = self.classrooms.wanted.get(key)
        if profile is None:
            usual = known.profile if known else STANDARD_PROFILE
            profile = before.profile if before else usual
        self.classrooms.wanted[key] = ClassroomWanted(
            school, known.name if known else name, profile, known
        )
        if known is None:
            return Step(Thing.CLASSROOM, Change.SAME if before else Change.NEW)
        if profile == known.profile or (before and before.profile == profile):
            return Step(Thing.CLASSROOM, Change.SAME)
        return Step(Thing.CLASSROOM, Change.CHANGED, ((Column.PROFILE, known.profile),))

    def _profile_said(
        self, number: int, key: tuple[str, str], cells: dict[Column, str]
    ) -> str | None:
        written = cells.get(Column.PROFILE, "")
        if not written:
            return None
        profile = self._known.profiles.get(look_of(written))
        if profile is None:
            raise _Wrong(
                Column.PROFILE,
                f"没有名为“{written}”的硬件配置。",
                f"There is no hardware profile “{written}”.",
            )
        _refuse_contradiction(self.classrooms, key, number, Column.PROFILE, profile)
        return profile

    def _device(self, number: int, cells: dict[Column, str]) -> Step | None:
        written = cells.get(Column.DEVICE, "")
        if not written:
            return None
        school, school_id = self._school_of(cells)
        room = cells.get(Column.CLASSROOM, "")
        if not room:
            raise _Wrong(
                Column.CLASSROOM,
                "请填写这台设备所在的教室。",
                "Which classroom does this device stand in?",
            )
        label = _checked(_NAME, Column.DEVICE, written)
        key = (school, look_of(room), look_of(label))
        if key in self.devices.wanted:
            return Step(Thing.DEVICE, Change.SAME)
        known = self._known.classrooms.get((school_id, key[1])) if school_id else None
        is_new = known is None or (known.id, key[2]) not in self._known.devices
        self.devices.wanted[key] = DeviceWanted(school, key[1], label, is_new)
        return Step(Thing.DEVICE, Change.NEW if is_new else Change.SAME)

    def _person(self, number: int, cells: dict[Column, str]) -> Step | None:
        written = cells.get(Column.USERNAME, "")
        said_name, said_role = cells.get(Column.PERSON, ""), cells.get(Column.ROLE, "")
        if not written:
            if said_name or said_role:
                raise _Wrong(
                    Column.USERNAME,
                    "请填写用户名：每个人用它登录。",
                    "Give the user name by which this person signs in.",
                )
            return None
        username = _checked(_USERNAME, Column.USERNAME, written)
        key = look_of(username)
        known = self._known.people.get(key)
        before = self.people.wanted.get(key)
        name = _checked(_NAME, Column.PERSON, said_name) if said_name else ""
        if not name and known is None and before is None:
            raise _Wrong(
                Column.PERSON,
                f"“{username}”是新用户，请填写姓名。",
                f"“{username}” is new: say the person's name.",
            )
        role = self._role_said(said_role, known)
        school = self._persons_school(cells)
        for column, value in ((Column.PERSON, name), (Column.ROLE, role), (Column.SCHOOL, school)):
            if value:
                _refuse_contradiction(self.people, key, number, column, value)
        wanted = PersonWanted(
            username=known.username if known else username,
            display_name=name or (before or known or _NOBODY).display_name,
            role=role or (before or known or _NOBODY).role,
            school=None if school == _NO_SCHOOL else school,
            known=known,
        )
        if school == "":  # the table has no schools, or none yet: unchanged
            unchanged = before.school if before else self._school_key(known)
            wanted = replace(wanted, school=unchanged)
        changes = self._changes(known, wanted) if known else ()
        wanted = replace(wanted, is_same=not changes)
        self.people.wanted[key] = wanted
        if known is None:
            return Step(Thing.PERSON, Change.SAME if before else Change.NEW)
        same = not changes or wanted == before
        return Step(Thing.PERSON, Change.SAME if same else Change.CHANGED, () if same else changes)

    def _role_said(self, written: str, known: KnownPerson | None) -> UserRole | None:
        if not written:
            return None
        role = role_of(written)
        if role is None:
            raise _Wrong(
                Column.ROLE,
                f"没有“{written}”这种角色，请填教师或管理员。",
                f"There is no role “{written}”: write teacher or administrator.",
            )
        if known and known.role is UserRole.ADMINISTRATOR and role is not known.role:
            raise _Wrong(
                Column.ROLE,
                f"“{known.username}”是管理员。导入不会取消管理员，请在“人员”中修改。",
                f"“{known.username}” is an administrator. An import takes that from nobody: change "
                "it under People.",
            )
        return role

    def _changes(self, known: KnownPerson, wanted: PersonWanted) -> tuple[tuple[Column, str], ...]:
        changes = []
        if wanted.display_name != known.display_name:
            changes.append((Column.PERSON, known.display_name))
        if wanted.role is not known.role:
            changes.append((Column.ROLE, known.role.value))
        if wanted.school != self._school_key(known):
            changes.append((Column.SCHOOL, self._school_names.get(known.school_id or "", "")))
        return tuple(changes)

    # --- schools as the others name them --------------------------------------------------------

    def _school_of(self, cells: dict[Column, str]) -> tuple[str, str | None]:
        """The look of the row's school, and its id if it is known."""
        written = cells.get(Column.SCHOOL, "")
        if not written or is_no_school(written):
            raise _Wrong(
                Column.SCHOOL,
                "请填写这间教室所在的学校。",
                "Which school does this classroom belong to?",
            )
        key = look_of(written)
        known = self._known.schools.get(key)
        return key, known.id if known else None

    def _persons_school(self, cells: dict[Column, str]) -> str:
        """The look of a person's school; `_NO_SCHOOL` where the row says that there is none, ""
        where it says nothing."""
        written = cells.get(Column.SCHOOL, "")
        if is_no_school(written):
            return _NO_SCHOOL
        return look_of(written)

    def _school_key(self, person: KnownPerson | None) -> str | None:
        if person is None or person.school_id is None:
            return None
        return look_of(self._school_names[person.school_id])


_NO_SCHOOL = "-"  # no name looks so: each has a letter
_NOBODY = KnownPerson("", "", "", UserRole.TEACHER, None)
_NOTHING_SAID = CellFault(
    None,
    Text(
        "这一行没有学校、教室或人员。",
        "This row names no school, no classroom and no person.",
    ),
)


def _checked(kind: TypeAdapter[str], column: Column, written: str) -> str:
    """The cell as the pages would take it from a form."""
    try:
        return kind.validate_python(written)
    except ValidationError as error:
        errors: Iterable[Any] = error.errors(include_url=False)
        text = next(iter(field_texts([{**one, "loc": ("cell", "x")} for one in errors]).values()))
        raise _Wrong(column, text.zh, text.en) from None


def _refuse_contradiction(
    things: _Wanted[K, Any], key: K, number: int, column: Column, value: Any
) -> None:
    at = things.contradicted(key, number, column, value)
    if at is not None:
        raise _Wrong(
            column,
            f"与第 {at} 行所说的不同。",
            f"Row {at} says otherwise.",
        )


def _date_fault(column: Column) -> CellFault:
    return CellFault(
        column,
        Text(
            "Excel 把这里变成了日期。请把该列的格式设为“文本”，再重新输入。",
            "Excel has made a date of this. Set the column's format to “Text” and type it anew.",
        ),
    )


def _error_fault(column: Column, shown: str) -> CellFault:
    return CellFault(
        column,
        Text(
            f"这里的公式出错了（{shown}）。请直接填写内容。",
            f"A formula has failed here ({shown}). Write what it should say.",
        ),
    )
