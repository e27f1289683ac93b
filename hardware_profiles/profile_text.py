"""One profile file read and parsed: its text, its TOML, and the words for what is neither.

Owns what can be wrong before a key is looked at; the keys are `loader`'s.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from hardware_profiles.errors import ProfileRefused
from hardware_profiles.inheriting import Table
from hardware_profiles.system_words import why_en, why_zh

# A profile is a page of text; a larger file is a mistake, and is not read into memory.
MAX_FILE_BYTES = 65_536
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_text(file: Path) -> str:
    """The file's text. Raises `ProfileRefused`."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ProfileRefused(file, 0, "", "larger than 64 KiB", "文件超过 64 KiB")
        return file.read_text(encoding="utf-8-sig")  # Windows editors put a mark before it
    except OSError as error:
        raise ProfileRefused(
            file, 0, "", f"cannot be read: {why_en(error)}", f"无法读取：{why_zh(error)}"
        ) from None
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise ProfileRefused(
            file,
            line,
            "",
            "not UTF-8 text; save it as UTF-8",
            "不是 UTF-8 文本；请另存为 UTF-8",
        ) from None


def parse(file: Path, text: str) -> Table:
    """Its table. Raises `ProfileRefused`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_refused(file, text, str(error)) from None
    except RecursionError:
        raise ProfileRefused(
            file, 0, "", "brackets within brackets without end", "括号层层嵌套，没有尽头"
        ) from None


def _syntax_refused(file: Path, text: str, message: str) -> ProfileRefused:
    """The parser's own words are English: what a line looks like says more to most."""
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else len(text.rstrip("\n").split("\n"))
    reason = message[: place.start()] if place else message
    return ProfileRefused(
        file,
        line,
        "",
        f'not TOML: {reason}. A line is like width = 1280 or title_en = "Village", a table is '
        "like [sources.teacher].",
        f'不符合 TOML 语法（{reason}）。每行应像 width = 1280 或 title_zh = "山村"，'
        "表应像 [sources.teacher]。",
    )
