"""The settings file `tongke.toml`: read whole, its values, and in which line each stands.

Owns the words for a file that cannot be read: not UTF-8 (GBK, UTF-16), torn, not TOML. A byte order
mark before UTF-8, which Windows editors write, is passed over. Whether a value is right is not
known here.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.errors import StartRefused
from server.system_errors import why

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# A text without quotation marks (`host = 127.0.0.1`): by far the likeliest slip.
# What a Chinese keyboard gives where a quotation mark is meant.
_OTHER_QUOTES = "“”„‘’「」『』＂"
_UNQUOTED = re.compile(r"""\s*([A-Za-z0-9_-]+)\s*=\s*([^\s"'\[{#=][^"'#]*?)\s*(?:#.*)?""")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The values of the file; none of a file that is not there."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    def line(self, name: str) -> int | None:
        """In which line this setting stands (counted from 1), None if it does not."""
        from hardware_profiles.key_lines import key_lines  # noqa: PLC0415 - of a slip alone

        return key_lines(self.text).get((name,)) if name in self.values else None


def read_settings_file(path: Path) -> SettingsFile:
    """The file at `path`. Raises `StartRefused` with the line of what is wrong with it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return SettingsFile(path)
    except OSError as error:
        raise StartRefused(
            f"The settings file {path} cannot be read: {error.strerror}.",
            f"无法读取设置文件 {path}：{why(error).zh}。",
        ) from None
    text = _decoded(path, content)
    try:
        return SettingsFile(path, tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, str(error)) from None
    except RecursionError:
        raise StartRefused(
            f"The settings file {path} cannot be read: brackets stand in brackets without end. "
            'A list is like advertised = ["10.0.0.5"].',
            f'无法读取设置文件 {path}：括号嵌套过多。列表应像 advertised = ["10.0.0.5"] 这样。',
        ) from None


def _decoded(path: Path, content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise StartRefused(
            f"The settings file {path} is not UTF-8 text (line 1; it looks like UTF-16, which "
            "Windows calls Unicode). Save it as UTF-8.",
            f"设置文件 {path} 不是 UTF-8 文本（第 1 行；像是 UTF-16，Windows 称为 Unicode）。"
            "请另存为 UTF-8。",
        )
    try:
        # utf-8-sig: with or without a byte order mark.
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        looks = _looks_like_gbk(content)
        raise StartRefused(
            f"The settings file {path} is not UTF-8 text (line {line}"
            f"{'; it looks like GBK' if looks else ''}). Save it as UTF-8.",
            f"设置文件 {path} 不是 UTF-8 文本（第 {line} 行{'；像是 GBK' if looks else ''}）。"
            "请另存为 UTF-8。",
        ) from None


def _looks_like_gbk(content: bytes) -> bool:
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _not_toml(path: Path, text: str, why: str) -> StartRefused:
    lines = text.split("\n")
    place = _PLACE.search(why)
    last = len(text.rstrip("\n").split("\n"))
    number = int(place[1]) if place and place[1] else last
    why = why[: place.start()] if place else why
    shown = lines[number - 1] if 0 < number <= len(lines) else ""
    if why == "Cannot overwrite a value":
        return StartRefused(
            f"The settings file {path} gives a setting a second time in line {number}: "
            f"{shown.strip()}. Take one of them out.",
            f"设置文件 {path} 第 {number} 行重复了前面的一项设置：{shown.strip()}。"
            "请删去其中之一。",
        )
    if found := _UNQUOTED.fullmatch(shown):
        name, value = found[1], found[2].strip(_OTHER_QUOTES)
        return StartRefused(
            f"The settings file {path} cannot be read in line {number}: text stands in quotation "
            f'marks, {name} = "{value}".',
            f'设置文件 {path} 第 {number} 行无法读取：文字须加英文引号，{name} = "{value}"。',
        )
    return StartRefused(
        f"The settings file {path} is not valid TOML in line {number}: {why}. Each line is like "
        'port = 7880 or public_url = "https://tongke.example.cn".',
        f"设置文件 {path} 第 {number} 行不符合 TOML 格式（{why}）。每行应像 port = 7880 或 "
        'public_url = "https://tongke.example.cn" 这样。',
    )
