"""A plan as it stands: what becomes of which school, classroom, device, person, and by which row.

How it is made of a table is `plan`'s; how it is written into the database, `carry_out`'s.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from server.database.models import SchoolKind, UserRole
from server.errors import Text
from server.importing.columns import Column
from server.importing.known import KnownClassroom, KnownPerson, KnownSchool
from server.importing.table import Table, TableRow


class Thing(StrEnum):
    """What a table can make."""

    SCHOOL = "school"
    CLASSROOM = "classroom"
    DEVICE = "device"
    PERSON = "person"


class Change(StrEnum):
    """What becomes of it."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Step:
    """What a row does to one thing; `before` is what changed cells replace, as the API says it."""

    thing: Thing
    change: Change
    before: tuple[tuple[Column, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong in a row; without a column it is the row as a whole."""

    column: Column | None
    text: Text


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row as it is meant: `cells` with what the rows above fill in."""

    number: int
    cells: dict[Column, str]
    steps: tuple[Step, ...]
    faults: tuple[CellFault, ...]


@dataclass(frozen=True, slots=True)
class SchoolWanted:
    name: str
    kind: SchoolKind
    known: KnownSchool | None

    @property
    def change(self) -> Change:
        """What becomes of it."""
        return _change(self.known, self.known is not None and self.kind is self.known.kind)


@dataclass(frozen=True, slots=True)
class ClassroomWanted:
    school: str
    name: str
    profile: str
    known: KnownClassroom | None

    @property
    def change(self) -> Change:
        """What becomes of it."""
        return _change(self.known, self.known is not None and self.profile == self.known.profile)


@dataclass(frozen=True, slots=True)
class DeviceWanted:
    school: str
    classroom: str
    label: str
    is_new: bool

    @property
    def change(self) -> Change:
        """What becomes of it."""
        return Change.NEW if self.is_new else Change.SAME


@dataclass(frozen=True, slots=True)
class PersonWanted:
    username: str
    display_name: str
    role: UserRole
    school: str | None
    """None: of no school."""

    known: KnownPerson | None
    is_same: bool = False

    @property
    def change(self) -> Change:
        """What becomes of them."""
        return _change(self.known, self.is_same)


def _change(known: object | None, is_same: bool) -> Change:
    if known is None:
        return Change.NEW
    return Change.SAME if is_same else Change.CHANGED


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a table would do. Its things are by look: a school; a school and a classroom; these and
    a label; a user name."""

    table: Table
    meant: tuple[TableRow, ...]
    """The rows that are read, with what those above mean for them."""

    rows: tuple[PlannedRow, ...]
    schools: dict[str, SchoolWanted]
    classrooms: dict[tuple[str, str], ClassroomWanted]
    devices: dict[tuple[str, str, str], DeviceWanted]
    people: dict[str, PersonWanted]

    @property
    def counts(self) -> dict[Thing, Counter[Change]]:
        """How many things of each kind are new, changed, the same."""
        return {
            Thing.SCHOOL: Counter(one.change for one in self.schools.values()),
            Thing.CLASSROOM: Counter(one.change for one in self.classrooms.values()),
            Thing.DEVICE: Counter(one.change for one in self.devices.values()),
            Thing.PERSON: Counter(one.change for one in self.people.values()),
        }

    @property
    def wrong(self) -> int:
        """How many rows have a fault."""
        return sum(bool(row.faults) for row in self.rows)

    @property
    def digest(self) -> str:
        """The same for what does the same: whoever agreed to one plan has not agreed to another."""
        what = (self.schools, self.classrooms, self.devices, self.people)
        return hashlib.sha256(repr(what).encode(errors="replace")).hexdigest()
