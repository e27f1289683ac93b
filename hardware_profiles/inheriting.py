"""A profile made from another one: `inherits` names it, `without` leaves something of it out.

Owns putting tables over tables and the circle that never ends. Where the other file is, and whether
the whole is a profile, is `loader`'s.

A table goes into the inherited table of its name, key by key; everything else (a number, a text, a
list) takes the inherited one's place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hardware_profiles.errors import ProfileRefused
from hardware_profiles.key_lines import key_lines

Table = dict[str, Any]

INHERITS = "inherits"
WITHOUT = "without"
# A school's profile of a county's of ours: three. More are a mistake, circle or not.
MOST_GENERATIONS = 8


class Inheritance:
    """A file and those it inherits from, nearest first. While there is a `parent`, `add` it."""

    def __init__(self, file: Path, text: str, table: Table) -> None:
        self._file = file
        self._text = text
        self._tables = [table]
        self._files = [file]
        self._check(table)

    @property
    def parent(self) -> str | None:
        """The profile that the last one inherits from, None when it stands alone."""
        parent: str | None = self._tables[-1].get(INHERITS)
        return parent

    @property
    def last(self) -> Path:
        """The file of the last one."""
        return self._files[-1]

    def add(self, file: Path, table: Table) -> None:
        """The parent. Raises `ProfileRefused` for a circle."""
        if file in self._files:
            names = " → ".join(one.stem for one in (*self._files, file))
            raise self.refused(
                f"profiles inherit from each other in a circle: {names}",
                f"硬件配置互相继承，形成循环：{names}",
            )
        if len(self._files) >= MOST_GENERATIONS:
            raise self.refused(
                f"inherits over more than {MOST_GENERATIONS} profiles",
                f"继承超过 {MOST_GENERATIONS} 层",
            )
        self._files.append(file)
        self._tables.append(table)
        self._check(table)

    def whole(self) -> Table:
        """Everything put together, the farthest first."""
        whole: Table = {}
        for place in reversed(range(len(self._tables))):
            table = self._tables[place]
            for path in table.get(WITHOUT, []):
                if not _leave_out(whole, path.split(".")):
                    raise self.refused(
                        f"there is no {path!r} to leave out", f"没有可去掉的 {path!r}", key=WITHOUT
                    )
            own = {key: value for key, value in table.items() if key not in (INHERITS, WITHOUT)}
            if place:
                own.pop("name", None)  # each is named by its own file
            _lay_over(whole, own)
        return whole

    def refused(self, en: str, zh: str, *, key: str = INHERITS) -> ProfileRefused:
        line = key_lines(self._text).get((key,), 0)
        return ProfileRefused(self._file, line, key, en, zh)

    def _check(self, table: Table) -> None:
        if not isinstance(table.get(INHERITS, ""), str):
            raise self.refused("must be text in quotes", "须为带引号的文字")
        left_out = table.get(WITHOUT, [])
        if not isinstance(left_out, list) or not all(isinstance(one, str) for one in left_out):
            raise self.refused(
                'must be a list of keys: ["sources.board"]',
                '须为各项名称的列表：["sources.board"]',
                key=WITHOUT,
            )


def _lay_over(below: Table, above: Table) -> None:
    for key, value in above.items():
        inherited = below.get(key)
        if isinstance(value, dict) and isinstance(inherited, dict):
            _lay_over(inherited, value)
        else:
            below[key] = value


def _leave_out(table: Table, path: list[str]) -> bool:
    """Whether there was such a key."""
    *tables, key = path
    for name in tables:
        inner = table.get(name)
        if not isinstance(inner, dict):
            return False
        table = inner
    return table.pop(key, None) is not None
