"""What may stand in the fields of requests: types with their limits.

Text is kept as it was typed, markup and all: the pages show it as text. What nobody sees is taken
out of names (`server.names`); what no name has is refused: control characters, which break logs,
files and PostgreSQL.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from server.names import look_of, visible

_USERNAME_SIGNS = 64


class Body(BaseModel):
    """A request's JSON: an unknown field is refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid")


class View(BaseModel):
    """A response's JSON."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


def rule_broken(zh: str, en: str) -> PydanticCustomError:
    """A rule of ours is broken; both texts reach the page."""
    return PydanticCustomError("rule", "{en}", {"zh": zh, "en": en})


def _printable(value: str) -> str:
    # control characters, lone surrogates, line and paragraph separators
    if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in value):
        raise rule_broken(
            "含有不可见的控制字符，请重新输入。",
            "It has invisible control characters. Type it anew.",
        )
    return value


def _visible(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


def _not_only_marks(value: str) -> str:
    if not any(sign.isalnum() for sign in value):
        raise rule_broken("请至少输入一个文字。", "Type at least one letter.")
    return value


def _user_name(value: str) -> str:
    if not all(sign.isalnum() or sign in "._-@" for sign in value):
        raise rule_broken(
            "用户名只能包含文字、数字和 . _ - @。",
            "A user name has only letters, digits and . _ - @.",
        )
    if len(look_of(value)) > _USERNAME_SIGNS:  # one letter may be folded into many
        raise rule_broken("用户名过长。", "The user name is too long.")
    return value


Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
Name = Annotated[
    str,
    BeforeValidator(_visible),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_printable),
    AfterValidator(_not_only_marks),
]
Title = Name  # of a lesson or a recording
Word = Annotated[
    str,
    BeforeValidator(_visible),
    StringConstraints(strip_whitespace=True, max_length=60),
    AfterValidator(_printable),
]
SearchText = Annotated[
    str, BeforeValidator(_visible), StringConstraints(max_length=120), AfterValidator(_printable)
]
Username = Annotated[
    str,
    BeforeValidator(_visible),
    StringConstraints(strip_whitespace=True, min_length=2, max_length=_USERNAME_SIGNS),
    AfterValidator(_printable),
    AfterValidator(_user_name),
]
# NIST SP 800-63B: length is what counts; no rules about kinds of signs. What is guessed first is
# refused by `server.accounts.weak_passwords`, which knows the names beside it.
Password = Annotated[
    str, StringConstraints(min_length=8, max_length=128), AfterValidator(_printable)
]
AnyPassword = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Moment = Annotated[float, Field(ge=0, le=4e9, allow_inf_nan=False)]
