"""What can be wrong with a hardware profile.

    ProfileError
    ├── ProfileNotFound   no profile of that name in any folder
    └── ProfileRefused    a file that is not a profile: unreadable, not TOML, a wrong key or value

Every error has its text in both languages, because an IT person of a school reads it.
"""

from __future__ import annotations

from pathlib import Path


class ProfileError(Exception):
    """A hardware profile cannot be used. `message_en` and `message_zh` say why and what to do."""

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


class ProfileNotFound(ProfileError):
    """No folder has a profile of this name."""

    def __init__(self, name: str, message_en: str, message_zh: str) -> None:
        super().__init__(message_en, message_zh)
        self.name = name


class ProfileRefused(ProfileError):
    """A profile file is wrong: `file`, `line` (from 1; 0 when unknown) and `key` say where."""

    def __init__(self, file: Path, line: int, key: str, problem_en: str, problem_zh: str) -> None:
        place = f"{file}:{line}" if line else str(file)
        subject = f" {key}:" if key else ""
        super().__init__(f"{place}:{subject} {problem_en}", f"{place}:{subject} {problem_zh}")
        self.file = file
        self.line = line
        self.key = key
