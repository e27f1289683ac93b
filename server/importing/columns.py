"""The columns a table may have, and by which headings they are known.

Both languages are understood in one file, in any width, case and order, with a star or a word in
brackets beside them: that is how tables come back from schools. What may stand in a cell is
`terms`', what a row means `plan`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from server.errors import Text
from server.names import look_of


class Column(StrEnum):
    """What a column of the table holds."""

    SCHOOL = "school"
    KIND = "kind"
    CLASSROOM = "classroom"
    PROFILE = "profile"
    DEVICE = "device"
    PERSON = "person"
    USERNAME = "username"
    ROLE = "role"


# As the template writes them.
HEADINGS: dict[Column, Text] = {
    Column.SCHOOL: Text("学校", "School"),
    Column.KIND: Text("学校类型", "Kind of school"),
    Column.CLASSROOM: Text("教室", "Classroom"),
    Column.PROFILE: Text("硬件配置", "Hardware profile"),
    Column.DEVICE: Text("设备", "Device"),
    Column.PERSON: Text("姓名", "Name"),
    Column.USERNAME: Text("用户名", "User name"),
    Column.ROLE: Text("角色", "Role"),
}
_ALSO: dict[Column, str] = {
    Column.SCHOOL: "学校名称 学校名 单位 单位名称 所属学校|school name",
    Column.KIND: "类型 城乡 城乡类型 学校类别|school kind|kind|type|school type",
    Column.CLASSROOM: "教室名称 班级 教室班级 教室名|classroom name|room|class room",
    Column.PROFILE: "硬件 配置|profile|hardware",
    Column.DEVICE: "设备凭证 凭证 设备名称 哪台设备|device credential|credential|which device",
    Column.PERSON: "显示名称 教师姓名 教师 老师|display name|full name|person|teacher",
    Column.USERNAME: "账号 帐号 登录名 账户 用户名称|username|account|login",
    Column.ROLE: "身份 权限|role in the system",
}
# What Excel shows where a formula has failed; CSV files have it as text.
_ERRORS = {
    f"#{error}"
    for error in (
        *("N/A", "REF!", "VALUE!", "DIV/0!", "NAME?", "NUM!", "NULL!", "SPILL!", "CALC!", "FIELD!"),
        *("BLOCKED!", "CONNECT!", "BUSY!", "UNKNOWN!", "EXTERNAL!", "PYTHON!", "GETTING_DATA"),
    )
}
# A row that begins so is a note to whoever fills the table in.
_NOTE = ("#", "＃")
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|【[^】]*】")


def words_of(text: str) -> list[str]:
    """Names written as one string: Chinese ones between spaces, then English ones between bars."""
    chinese, *english = text.split("|")
    return [*chinese.split(), *english]


_BY_LOOK: dict[str, Column] = {
    look_of(word): column
    for column, heading in HEADINGS.items()
    for word in (heading.zh, heading.en, *words_of(_ALSO[column]))
}


def column_of(heading: str) -> Column | None:
    """Which column a heading names."""
    bare = _BRACKETS.sub("", look_of(heading)).replace("*", "").strip(" :：")
    return _BY_LOOK.get(" ".join(bare.split()))


def is_note(cells: Sequence[str]) -> bool:
    """Whether a row is a note, which nobody reads but people."""
    first = next((cell for cell in cells if cell), "")
    return first.startswith(_NOTE) and not is_error(first)


def is_error(cell: str) -> bool:
    """Whether a formula has failed here, say one that looks a name up in another table."""
    return cell in _ERRORS
