"""What may stand in the columns of a few words: kinds of school, roles, and that it is no school.

As people write them in either language; by the look of the word, as names are compared.
"""

from __future__ import annotations

from server.database.models import SchoolKind, UserRole
from server.errors import Text
from server.importing.columns import words_of
from server.names import look_of

KINDS: dict[SchoolKind, Text] = {
    SchoolKind.URBAN: Text("城市", "Urban"),
    SchoolKind.RURAL: Text("乡村", "Rural"),
}
ROLES: dict[UserRole, Text] = {
    UserRole.TEACHER: Text("教师", "Teacher"),
    UserRole.ADMINISTRATOR: Text("管理员", "Administrator"),
}
_KIND_WORDS: dict[SchoolKind, str] = {
    SchoolKind.URBAN: "城市 城区 城镇 县城 城|city",
    SchoolKind.RURAL: "乡村 农村 乡镇 村小 村 教学点|village|country",
}
_ROLE_WORDS: dict[UserRole, str] = {
    UserRole.TEACHER: "教师 老师 任课教师",
    UserRole.ADMINISTRATOR: "管理员 系统管理员|admin",
}
# In the column of schools: this person belongs to none.
_NO_SCHOOL = frozenset({"-", "--", "—", "无", "none", "/"})
_KIND_BY_LOOK = {
    look_of(word): kind
    for kind, text in KINDS.items()
    for word in (text.en, kind.value, *words_of(_KIND_WORDS[kind]))
}
_ROLE_BY_LOOK = {
    look_of(word): role
    for role, text in ROLES.items()
    for word in (text.en, role.value, *words_of(_ROLE_WORDS[role]))
}


def kind_of(text: str) -> SchoolKind | None:
    """The kind of school that a cell names."""
    return _KIND_BY_LOOK.get(look_of(text))


def role_of(text: str) -> UserRole | None:
    """The role that a cell names."""
    return _ROLE_BY_LOOK.get(look_of(text))


def is_no_school(text: str) -> bool:
    """Whether a cell says that there is none."""
    return look_of(text) in _NO_SCHOOL
