"""Reads hardware profiles from the shipped folder and the user's own.

Owns finding the files, checking their keys, and the words that say what is wrong with one: file,
line, key, and the name that was probably meant. A user's profile of the same name wins over ours.

A folder holds `rooms/*.toml`, `servers/*.toml`, `links/*.toml` and `pcs/*.toml`; a profile's name
is its file's name. What a profile `inherits` is put together by `inheriting`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hardware_profiles.errors import ProfileError, ProfileNotFound, ProfileRefused
from hardware_profiles.inheriting import INHERITS, WITHOUT, Inheritance, Table
from hardware_profiles.key_lines import key_lines
from hardware_profiles.link import LinkProfile, least_bitrate_bps, on_line
from hardware_profiles.misplaced import misplaced
from hardware_profiles.pc import PcProfile, encoded_pixels_per_s, on_pc
from hardware_profiles.profile_text import parse, read_text
from hardware_profiles.room import RoomProfile
from hardware_profiles.server import ServerProfile

SHIPPED_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

ProfileT = TypeVar("ProfileT", RoomProfile, ServerProfile, LinkProfile, PcProfile)
_SUBFOLDERS: dict[type[BaseModel], str] = {
    RoomProfile: "rooms",
    ServerProfile: "servers",
    LinkProfile: "links",
    PcProfile: "pcs",
}
Loc = tuple[str | int, ...]


def load_room_profile(name: str, folders: Sequence[Path] = ()) -> RoomProfile:
    """The room profile `name`; `folders` are the user's, searched before the shipped one.

    Raises `ProfileNotFound` or `ProfileRefused`.
    """
    return _load(RoomProfile, name, folders)


def load_server_profile(name: str, folders: Sequence[Path] = ()) -> ServerProfile:
    """The server profile `name`, found like a room's. Raises like `load_room_profile`."""
    return _load(ServerProfile, name, folders)


def load_link_profile(name: str, folders: Sequence[Path] = ()) -> LinkProfile:
    """The line `name`, found like a room's profile. Raises like `load_room_profile`."""
    return _load(LinkProfile, name, folders)


def load_pc_profile(name: str, folders: Sequence[Path] = ()) -> PcProfile:
    """The PC `name`, found like a room's profile. Raises like `load_room_profile`."""
    return _load(PcProfile, name, folders)


def list_pc_profiles(folders: Sequence[Path] = ()) -> list[PcProfile]:
    """All PCs that can be used, by name. Wrong files are left to `find_problems`."""
    return _list(PcProfile, folders)


def list_link_profiles(folders: Sequence[Path] = ()) -> list[LinkProfile]:
    """All lines that can be used, by name. Wrong files are left to `find_problems`."""
    return _list(LinkProfile, folders)


def list_room_profiles(folders: Sequence[Path] = ()) -> list[RoomProfile]:
    """All room profiles that can be used, by name. Wrong files are left to `find_problems`."""
    return _list(RoomProfile, folders)


def list_server_profiles(folders: Sequence[Path] = ()) -> list[ServerProfile]:
    """All server profiles that can be used, by name. Wrong files are left to `find_problems`."""
    return _list(ServerProfile, folders)


def find_problems(folders: Sequence[Path] = ()) -> list[ProfileRefused]:
    """Every wrong file among the user's and the shipped profiles, one problem each; and those of
    the user's that stand where nobody reads them.
    """
    return [
        *_problems(RoomProfile, folders),
        *_problems(ServerProfile, folders),
        *_problems(LinkProfile, folders),
        *_problems(PcProfile, folders),
        *(problem for folder in folders for problem in misplaced(folder, _SUBFOLDERS.values())),
    ]


def count_own(folders: Sequence[Path]) -> int:
    """How many files of profiles the user's folders hold."""
    return sum(
        SHIPPED_FOLDER not in file.parents
        for model in _SUBFOLDERS
        for file in _files(model, folders).values()
    )


def read_profile(model: type[ProfileT], file: Path, folders: Sequence[Path] = ()) -> ProfileT:
    """One file with what it inherits, checked. Raises `ProfileRefused` with the first problem's
    line and key.
    """
    if not _NAME.fullmatch(file.stem):
        raise ProfileRefused(
            file,
            0,
            "",
            "a profile is named by its file: rename it to small letters a–z, digits and -, at most "
            "40 of them (the name that people read is title_zh and title_en)",
            "配置的名称就是文件名：请改成小写字母 a–z、数字和 -，最多 40 个字符"
            "（供人看的名称写在 title_zh 和 title_en 中）",
        )
    text = read_text(file)
    data = _with_inherited(model, file, text, folders)
    data.setdefault("name", file.stem)
    try:
        # Through JSON, so that strict checking still takes TOML's arrays for tuples.
        profile = model.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise _schema_refused(model, file, text, error.errors()) from None
    if profile.name != file.stem:
        line = key_lines(text).get(("name",), 0)
        raise ProfileRefused(
            file,
            line,
            "name",
            f"a profile is named by its file: {file.stem!r}; remove this key",
            f"配置的名称就是文件名 {file.stem!r}；请删去这一项",
        )
    if isinstance(profile, RoomProfile) and profile.pc:
        profile = _on_its_pc(profile, file, text, folders)
    if isinstance(profile, RoomProfile) and profile.link:
        return _on_its_line(profile, file, text, folders)
    return profile


def _with_inherited(
    model: type[BaseModel], file: Path, text: str, folders: Sequence[Path]
) -> Table:
    """The file's table over those it inherits from."""
    inheritance = Inheritance(file, text, parse(file, text))
    while (parent := inheritance.parent) is not None:
        found = _parent_file(model, parent, inheritance.last, folders)
        if found is None:
            known_en, known_zh = _known(parent, _names(_files(model, folders), but=file.stem))
            raise inheritance.refused(
                f"there is no profile {parent!r}.{known_en}",
                f"没有名为 {parent!r} 的硬件配置。{known_zh}",
            )
        inheritance.add(found, parse(found, read_text(found)))
    return inheritance.whole()


def _parent_file(
    model: type[BaseModel], name: str, child: Path, folders: Sequence[Path]
) -> Path | None:
    """The file of this name; for a profile that takes another's name and place, that other one."""
    for folder in (*folders, SHIPPED_FOLDER):
        file = folder / _subfolder(model) / f"{name}.toml"
        if _NAME.fullmatch(name) and file != child and file.is_file():
            return file
    return child if name == child.stem else None  # itself: a circle, told as one


def _on_its_line(
    profile: RoomProfile, file: Path, text: str, folders: Sequence[Path]
) -> RoomProfile:
    line = key_lines(text).get(("link",), 0)
    try:
        link = load_link_profile(profile.link, folders)
    except ProfileNotFound as error:
        raise ProfileRefused(file, line, "link", error.message_en, error.message_zh) from None
    least = least_bitrate_bps(profile)
    if least > link.lesson_up_bps:
        raise ProfileRefused(
            file,
            line,
            "link",
            f"the room sends {least:,} b/s at the least (its sound and the smallest layer of each "
            f"picture), but a lesson has {link.lesson_up_bps:,} b/s of the line {link.name!r}; "
            "send fewer pictures, or smaller layers",
            f"教室至少要发送 {least:,} b/s（声音加每路画面最小的一层），但线路 {link.name!r} "
            f"只给课堂 {link.lesson_up_bps:,} b/s；请减少画面，或减小各层码率",
        )
    return on_line(profile, link)


def _on_its_pc(profile: RoomProfile, file: Path, text: str, folders: Sequence[Path]) -> RoomProfile:
    line = key_lines(text).get(("pc",), 0)
    try:
        pc = load_pc_profile(profile.pc, folders)
    except ProfileNotFound as error:
        raise ProfileRefused(file, line, "pc", error.message_en, error.message_zh) from None
    fitted = on_pc(profile, pc)
    least = encoded_pixels_per_s(fitted)
    if least > pc.encode.pixels_per_s:
        raise ProfileRefused(
            file,
            line,
            "pc",
            f"the room encodes {least:,} pixels a second at the least (the smallest layer of each "
            f"picture), but the PC {pc.name!r} does {pc.encode.pixels_per_s:,}; send fewer "
            "pictures, smaller layers or fewer frames a second",
            f"教室每秒至少要编码 {least:,} 像素（每路画面最小的一层），但电脑 {pc.name!r} "
            f"只能编码 {pc.encode.pixels_per_s:,}；请减少画面，减小各层，或降低帧率",
        )
    return fitted


# --- finding files ----------------------------------------------------------------------------


def _subfolder(model: type[BaseModel]) -> str:
    return _SUBFOLDERS[model]


def _files(model: type[BaseModel], folders: Sequence[Path]) -> dict[str, Path]:
    """Profile name → file; earlier folders win, the shipped one comes last."""
    files: dict[str, Path] = {}
    for folder in (*folders, SHIPPED_FOLDER):
        for file in sorted((folder / _subfolder(model)).glob("*.toml")):
            files.setdefault(file.stem, file)
    return dict(sorted(files.items()))


def _names(files: Iterable[str], *, but: str = "") -> list[str]:
    """Those that a person may write."""
    return [name for name in files if _NAME.fullmatch(name) and name != but]


def _known(name: str, names: list[str]) -> tuple[str, str]:
    """What there is instead, in English and Chinese; the nearest first."""
    near = difflib.get_close_matches(name, names, n=1)
    hint_en = f" Did you mean {near[0]!r}?" if near else ""
    hint_zh = f"是否想用 {near[0]!r}？" if near else ""
    known = ", ".join(names)
    return f"{hint_en} Known: {known}", f"{hint_zh}现有：{known}"


def _load(model: type[ProfileT], name: str, folders: Sequence[Path]) -> ProfileT:
    files = _files(model, folders)
    if not _NAME.fullmatch(name) or name not in files:
        known_en, known_zh = _known(name, _names(files))
        raise ProfileNotFound(
            name,
            f"there is no {_subfolder(model)[:-1]} profile {name!r}.{known_en}",
            f"没有名为 {name!r} 的硬件配置。{known_zh}",
        )
    return read_profile(model, files[name], folders)


def _list(model: type[ProfileT], folders: Sequence[Path]) -> list[ProfileT]:
    profiles = []
    for file in _files(model, folders).values():
        try:
            profiles.append(read_profile(model, file, folders))
        except ProfileError:
            continue  # told by find_problems, and by load when it is asked for
    return profiles


def _problems(model: type[ProfileT], folders: Sequence[Path]) -> list[ProfileRefused]:
    problems = []
    for file in _files(model, folders).values():
        try:
            read_profile(model, file, folders)
        except ProfileRefused as problem:
            problems.append(problem)
    return problems


# --- saying what is wrong -----------------------------------------------------------------------


def _schema_refused(
    model: type[BaseModel], file: Path, text: str, errors: list[ErrorDetails]
) -> ProfileRefused:
    lines = key_lines(text)
    # A misspelt key is the cause, the missing one its consequence.
    rank = {"extra_forbidden": 0, "missing": 2}
    first = min(errors, key=lambda error: rank.get(error["type"], 1))
    loc: Loc = (*first["loc"], *first.get("ctx", {}).get("at", ()))
    # The key itself, or the nearest table around it (a missing key stands nowhere).
    line = next((lines[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in lines), 0)
    problem_en, problem_zh = _problem(model, first)
    return ProfileRefused(file, line, _dotted(loc), problem_en, problem_zh)


def _dotted(loc: Loc) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


# pydantic's error type → the problem in English and Chinese; {x} are the error's own values.
_PROBLEMS: dict[str, tuple[str, str]] = {
    "missing": ("this key is missing", "缺少这一项"),
    "int_type": ("must be a whole number", "须为整数"),
    "float_type": ("must be a number", "须为数字"),
    "string_type": ("must be text in quotes", "须为带引号的文字"),
    "bool_type": ("must be true or false", "须为 true 或 false"),
    "tuple_type": ("must be a list in [ ]", "须为 [ ] 中的列表"),
    "model_type": ("must be a table", "须为表"),
    "model_attributes_type": ("must be a table", "须为表"),
    "literal_error": ("must be {expected}", "须为 {expected}"),
    "greater_than_equal": ("must be at least {ge}", "不得小于 {ge}"),
    "less_than_equal": ("must be at most {le}", "不得大于 {le}"),
    "multiple_of": ("must be a multiple of {multiple_of}", "须为 {multiple_of} 的倍数"),
    "string_too_short": ("must not be empty", "不得为空"),
    "string_too_long": (
        "must have at most {max_length} characters",
        "不得超过 {max_length} 个字符",
    ),
    "string_pattern_mismatch": ("must match {pattern}", "须符合 {pattern}"),
    "too_short": ("must have at least {min_length} entry", "至少要有 {min_length} 项"),
    "too_long": ("must have at most {max_length} entries", "最多 {max_length} 项"),
    "profile_rule": ("{en}", "{zh}"),
}


def _problem(model: type[BaseModel], error: ErrorDetails) -> tuple[str, str]:
    if error["type"] == "extra_forbidden":
        return _unknown_key(model, error["loc"])
    if error["type"] not in _PROBLEMS:
        return error["msg"], error["msg"]
    values: dict[str, Any] = error.get("ctx", {})
    problem_en, problem_zh = (text.format(**values) for text in _PROBLEMS[error["type"]])
    # What stands below a camera is not quoted: somebody may have put a password there.
    if error["type"] not in ("missing", "profile_rule") and "camera" not in error["loc"]:
        given = json.dumps(error["input"], ensure_ascii=False, default=str)[:60]
        problem_en, problem_zh = f"{problem_en}, not {given}", f"{problem_zh}，现为 {given}"
    return problem_en, problem_zh


def _unknown_key(model: type[BaseModel], loc: Loc) -> tuple[str, str]:
    known = _keys_at(model, loc[:-1])
    if len(loc) == 1:
        known += [INHERITS, WITHOUT]
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    if near:
        return (
            f"unknown key; did you mean {near[0]!r}?",
            f"没有这一项；是否想写 {near[0]!r}？",
        )
    names = ", ".join(known)
    return f"unknown key; known here: {names}", f"没有这一项；此处可用：{names}"


def _keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys a table at `loc` may have."""
    here: Any = model
    for part in loc:
        if isinstance(part, str):
            here = _model_in(here.model_fields[part].annotation)
    return [key for key in here.model_fields if not (here is model and key == "name")]


def _model_in(annotation: Any) -> Any:
    """The model inside `X`, `X | None` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in inner if model is not None), None)
