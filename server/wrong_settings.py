"""What is wrong with a setting, and where it was set, in both languages."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from server.errors import StartRefused, Text

ENV_PREFIX = "TONGKE_"


class WrongSetting(ValueError):  # noqa: N818 - a rule is broken, not the program
    """A rule of ours is broken, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


# pydantic's error types in Chinese; `{}` is the limit. What is not here is said in English alone.
_IN_CHINESE: dict[str, tuple[str, str]] = {
    "less_than_equal": ("不能大于 {}", "le"),
    "greater_than_equal": ("不能小于 {}", "ge"),
    "greater_than": ("须大于 {}", "gt"),
    "finite_number": ("须为有限的数", ""),
    "int_parsing": ("须为整数", ""),
    "int_type": ("须为整数", ""),
    "int_from_float": ("须为整数", ""),
    "float_parsing": ("须为数字", ""),
    "float_type": ("须为数字", ""),
    "bool_parsing": ("须为 true 或 false", ""),
    "bool_type": ("须为 true 或 false", ""),
    "string_type": ("须为文字", ""),
    "path_type": ("须为路径", ""),
    "literal_error": ("须为其中之一：{}", "expected"),
}


def told(
    error: ValidationError, given: Mapping[str, Any], file: Path, *, names: Sequence[str]
) -> StartRefused:
    """One paragraph: every wrong setting, what is wrong, and where it was set."""
    sentences: list[Text] = []
    for item in error.errors(include_url=False):
        what = what_is_wrong(item)
        if not item["loc"]:
            sentences.append(
                Text(f"设置互相矛盾：{what.zh}。", f"The settings do not fit together: {what.en}.")
            )
            continue
        name = str(item["loc"][0])
        where = _where(name, given, file)
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, names, n=1)
            sentences.append(
                Text(
                    f"没有名为 {name} 的设置（{where.zh}）。"
                    + (f"您是指 {near[0]} 吗？" if near else "全部设置见 docs/settings.md。"),
                    f"There is no setting {name} ({where.en}). "
                    + (f"Did you mean {near[0]}?" if near else "docs/settings.md lists them all."),
                )
            )
        else:
            sentences.append(
                Text(
                    f"设置 {name}（{where.zh}）不对：{what.zh}。",
                    f"The setting {name} ({where.en}) is wrong: {what.en}.",
                )
            )
    return StartRefused(" ".join(one.en for one in sentences), "".join(one.zh for one in sentences))


def _where(name: str, given: Mapping[str, Any], file: Path) -> Text:
    variable = f"{ENV_PREFIX}{name.upper()}"
    if name in given:
        option = f"--{name.replace('_', '-')}"
        return Text(f"选项 {option}", f"option {option}")
    if variable in os.environ:
        return Text(f"环境变量 {variable}", f"environment variable {variable}")
    return Text(f"在 {file} 中", f"in {file}")


def what_is_wrong(item: Mapping[str, Any]) -> Text:
    """What pydantic found wrong with a value."""
    en = str(item["msg"]).removeprefix("Value error, ")
    context = item.get("ctx") or {}
    if isinstance(rule := context.get("error"), WrongSetting):
        return rule.text
    zh, limit = _IN_CHINESE.get(item["type"], (en, ""))
    return Text(zh.format(context.get(limit, "")), en)
