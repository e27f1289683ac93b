"""Files in a person's folder of profiles that nobody reads, because of where or how they stand.

Such a file is as good as not there, and nothing else would say so: the room gets another profile,
and the check finds nothing wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from hardware_profiles.errors import ProfileRefused

# Windows hides the last of two endings, so its editor makes such names unseen.
_HIDDEN_ENDING = ".toml.txt"
# Beside the profiles stand the cameras' passwords (`tongke room install` puts them there).
_NO_PROFILES = frozenset({"passwords.toml"})


def misplaced(folder: Path, kinds: Collection[str]) -> Iterator[ProfileRefused]:
    """What stands in the person's `folder` and is read by nobody; `kinds` are the folders in it
    that are read.
    """
    here = ", ".join(f"{kind}/" for kind in kinds)
    for file in sorted((*folder.glob("*"), *folder.glob("*/*"))):
        if file.is_dir() or file.name in _NO_PROFILES:
            continue
        name = file.name.lower()
        if name.endswith(_HIDDEN_ENDING):
            right = file.name[: -len(".txt")]
            yield _refused(
                file,
                f"not read: its name ends in .txt. Rename it to {right}",
                f"没有读取：文件名以 .txt 结尾。请改名为 {right}",
            )
        elif name.endswith(".toml") and not file.name.endswith(".toml"):
            right = file.name[: -len(".toml")] + ".toml"
            yield _refused(
                file,
                f"not read: the ending is in capitals. Rename it to {right}",
                f"没有读取：结尾须为小写的 .toml。请改名为 {right}",
            )
        elif name.endswith(".toml") and not (file.parent.parent == folder and _of(file) in kinds):
            yield _refused(
                file,
                f"not read: a profile stands in one of {here} of {folder}",
                f"没有读取：硬件配置须放在 {folder} 的 {here} 之一",
            )


def _of(file: Path) -> str:
    return file.parent.name


def _refused(file: Path, problem_en: str, problem_zh: str) -> ProfileRefused:
    return ProfileRefused(file, 0, "", problem_en, problem_zh)
