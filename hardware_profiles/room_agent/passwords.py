"""What is secret on the room's machine: cameras' passwords and the room's credential, in files.

The passwords' file is for its owner's eyes alone:

front-camera = "…"
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from hardware_profiles.errors import ProfileError

_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,400}")


def read_credential(file: Path) -> str:
    """The room's device credential. Raises OSError, and ValueError for what is none: its text goes
    into a header of HTTP, and an error there would print it.
    """
    text = file.read_text(encoding="utf-8-sig").strip()
    if not _CREDENTIAL.fullmatch(text):
        raise ValueError("no credential")
    return text


def read_passwords(file: Path) -> Mapping[str, str]:
    """Name → password. Raises `ProfileError`, which quotes nothing of the file."""
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8-sig")  # Windows editors put a mark before it
    except (OSError, UnicodeDecodeError):
        raise ProfileError(
            f"the passwords' file {file} cannot be read", f"无法读取密码文件 {file}"
        ) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ProfileError(
            f"others on this machine can read the passwords' file {file}; run chmod 600 on it",
            f"本机的其他用户可以读取密码文件 {file}；请运行 chmod 600",
        )
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        table = {"": None}
    if not all(isinstance(value, str) for value in table.values()):
        raise ProfileError(
            f'the passwords\' file {file} must have lines like front-camera = "…"',
            f'密码文件 {file} 的每一行应为 front-camera = "…" 的形式',
        )
    return table
