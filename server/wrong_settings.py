"""What is wrong with a setting, and where it was set, in both languages."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from server.errors import StartRefused, Text
from server.settings_file import SettingsFile

ENV_PREFIX = "TONGKE_"


class WrongSetting(ValueError):
    """A rule of ours is broken, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


# pydantic's error types in our words (English, Chinese); `{}` is the limit.
_WORDS: dict[str, tuple[str, str, str]] = {
    "less_than_equal": ("must not be more than {}", "不能大于 {}", "le"),
    "greater_than_equal": ("must not be less than {}", "不能小于 {}", "ge"),
    "greater_than": ("must be more than {}", "须大于 {}", "gt"),
    "finite_number": ("must be a number that ends", "须为有限的数", ""),
    "int_parsing": ("must be a whole number", "须为整数", ""),
    "int_parsing_size": ("must be a whole number of a usual size", "须为大小合理的整数", ""),
    "int_type": ("must be a whole number", "须为整数", ""),
    "int_from_float": ("must be a whole number", "须为整数", ""),
    "float_parsing": ("must be a number", "须为数字", ""),
    "float_type": ("must be a number", "须为数字", ""),
    "bool_parsing": ("must be true or false", "须为 true 或 false", ""),
    "bool_type": ("must be true or false", "须为 true 或 false", ""),
    "string_type": ("must be a text", "须为文字", ""),
    "tuple_type": (
        'must be a list of texts, like ["10.0.0.5"]',
        '须为文字的列表，如 ["10.0.0.5"]',
        "",
    ),
    "path_type": ("must be a path", "须为路径", ""),
    "literal_error": ("must be one of {}", "须为其中之一：{}", "expected"),
}


def told(
    error: ValidationError, given: Mapping[str, Any], file: SettingsFile, *, names: Sequence[str]
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
        where = where_from(name, given, file) or Text("默认值", "default")
        if item["type"] == "extra_forbidden" and isinstance(item["input"], dict):
            sentences.append(
                Text(
                    f"没有名为 {name} 的设置（{where.zh}）：各项设置直接写在文件中，"
                    f"不分表，请删去 [{name}] 这一行。",
                    f"There is no setting {name} ({where.en}): settings stand in no table. Take "
                    f"the line [{name}] out.",
                )
            )
        elif item["type"] == "extra_forbidden":
            sentences.append(_unknown(name, where, names))
        else:
            sentences.append(
                Text(
                    f"设置 {name}（{where.zh}）不对：{what.zh}。",
                    f"The setting {name} ({where.en}) is wrong: {what.en}.",
                )
            )
    return StartRefused(" ".join(one.en for one in sentences), "".join(one.zh for one in sentences))


def _unknown(name: str, where: Text, names: Sequence[str]) -> Text:
    near = nearest(name.lower().removeprefix(ENV_PREFIX.lower()), names)
    return Text(
        f"没有名为 {name} 的设置（{where.zh}）。"
        + (f"您是指 {near} 吗？" if near else "全部设置见 docs/zh/settings.md。"),
        f"There is no setting {name} ({where.en}). "
        + (f"Did you mean {near}?" if near else "docs/settings.md lists them all."),
    )


def miswritten_name(name: str, file: SettingsFile, names: Sequence[str]) -> StartRefused:
    """A name in the file that is one of ours in other letters (`PORT`)."""
    where = where_from(name, (), file) or Text(f"在 {file.path} 中", f"in {file.path}")
    text = _unknown(name, where, names)
    return StartRefused(text.en, text.zh)


def misspelt_variable(name: str, known: Sequence[str]) -> StartRefused:
    """An environment variable that begins like one of ours and is none."""
    near = nearest(
        name.upper().removeprefix(ENV_PREFIX), [one.removeprefix(ENV_PREFIX) for one in known]
    )
    meant = f"Did you mean {ENV_PREFIX}{near}?" if near else "docs/settings.md lists them all."
    meant_zh = f"您是指 {ENV_PREFIX}{near} 吗？" if near else "全部设置见 docs/zh/settings.md。"
    return StartRefused(
        f"There is no setting {name} (environment variable). {meant} Write it right or take it out "
        "of the environment.",
        f"没有名为 {name} 的设置（环境变量）。{meant_zh}请改正，或从环境中删去。",
    )


def nearest(name: str, known: Sequence[str]) -> str:
    """The name that was probably meant; "" where none is like it."""
    near = difflib.get_close_matches(name, known, n=1)
    # A word of the name alone: RECORDINGS for RECORDINGS_FOLDER, CERT for TLS_CERT.
    parts = [one for one in known if set(name.split("_")) <= set(one.split("_"))]
    return (near or parts or [""])[0]


def where_from(name: str, given: Collection[str], file: SettingsFile) -> Text | None:
    """Where this setting was given: option, environment variable, or file and line; None: nowhere,
    it has its default."""
    variable = f"{ENV_PREFIX}{name.upper()}"
    if name in given:
        option = f"--{name.replace('_', '-')}"
        return Text(f"选项 {option}", f"option {option}")
    if variable in os.environ:
        return Text(f"环境变量 {variable}", f"environment variable {variable}")
    if name not in file.values:
        return None
    line = file.line(name)
    if line is None:
        return Text(f"在 {file.path} 中", f"in {file.path}")
    return Text(f"{file.path} 第 {line} 行", f"in {file.path}, line {line}")


def what_is_wrong(item: Mapping[str, Any]) -> Text:
    """What pydantic found wrong with a value; in English alone where it is not known here."""
    said = str(item["msg"]).removeprefix("Value error, ")
    context = item.get("ctx") or {}
    if isinstance(rule := context.get("error"), WrongSetting):
        return rule.text
    en, zh, limit = _WORDS.get(item["type"], (said, said, ""))
    return Text(zh.format(context.get(limit, "")), en.format(context.get(limit, "")))
