"""What is wrong with a command line, in Chinese beside typer's English.

Typer has no catalogue: its sentences are known here by their error's class and by their words. One
that is not known is said in English alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import ValidationError
from typer import BadParameter
from typer._click.exceptions import ClickException, MissingParameter, NoSuchOption

from server.errors import Text
from server.wrong_settings import what_is_wrong

# The sentences of typer that we can meet, as patterns of what they name.
_IN_CHINESE: tuple[tuple[str, str], ...] = (
    (r"No such command '(.+)'\. Did you mean (.+)\?", "没有命令 {0}。您是指 {1} 吗？"),
    (r"No such command '(.+)'\.", "没有命令 {0}。"),
    (r"Missing command\.", "缺少命令。"),
    (r"Got unexpected extra argument\(?s?\)? \((.+)\)", "多余的参数：{0}。"),
    (r"Option '(.+)' requires an argument\.", "选项 {0} 后面缺少值。"),
    (r"Option '(.+)' requires (\d+) arguments\.", "选项 {0} 后面须有 {1} 个值。"),
    (r"Option '(.+)' does not take a value\.", "选项 {0} 不带值。"),
    (r"'(.+)' is not one of (.+)\.", "“{0}”不是可选的值，请从中选一个：{1}"),
)


def told(error: ClickException) -> Text:
    """What typer says of it, in both languages."""
    en = error.format_message()
    return Text(_in_chinese(error) or en, en)


def _in_chinese(error: ClickException) -> str:
    match error:
        case MissingParameter(param=param):
            kind = "参数" if getattr(param, "param_type_name", "") == "argument" else "选项"
            return f"缺少{kind} {_hint(error)}。"
        case BadParameter():
            return f"选项 {_hint(error)} 的值不对：{_why(error)}。"
        case NoSuchOption(option_name=name, possibilities=near):
            meant = f"您是指 {_list(sorted(near))} 吗？" if near else ""
            return f"没有选项 {name}。{meant}"
        case _:
            return _known(error.format_message())


def _hint(error: BadParameter) -> str:
    """Which option it is about, without typer's quotation marks."""
    hint = error.param_hint or (error.param.get_error_hint() if error.param else "")
    return (hint if isinstance(hint, str) else _list(hint)).replace("'", "").replace(" / ", "、")


def _why(error: BadParameter) -> str:
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        why = what_is_wrong(cause.errors(include_url=False)[0]).zh
        return (_known(why) or why).rstrip("。")
    return (_known(error.message) or error.message).rstrip("。.")


def _known(sentence: str) -> str:
    for pattern, zh in _IN_CHINESE:
        if (found := re.fullmatch(pattern, sentence)) is not None:
            return zh.format(*(_list(re.split(r"', '|, ", each)) for each in found.groups()))
    return ""


def _list(names: Sequence[str]) -> str:
    return "、".join(name.strip("'") for name in names)
