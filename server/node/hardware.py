"""Which hardware profile is in force: a classroom's, and this server's own.

Owns the choice and the fallback when a profile has disappeared. The profiles are
`hardware_profiles`' own; `server.lessons.profiles` puts them into the protocol's words.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from hardware_profiles import (
    ProfileError,
    RoomProfile,
    ServerProfile,
    find_problems,
    fitting_profile,
    list_server_profiles,
    load_room_profile,
    load_server_profile,
)
from server.errors import StartRefused
from server.lessons.profiles import send_profile
from signaling.protocol.messages import Layout, Mode, Role, SendProfile

STANDARD_PROFILE = "standard"
_log = structlog.get_logger("tongke.hardware")


def _warn_of_wrong_profiles(folders: Sequence[Path]) -> None:
    """Log every profile file that cannot be used, with its line: it is missing from the lists."""
    for problem in find_problems(folders):
        _log.warning("hardware profile unusable", why=problem.message_en)


def load_send_profile(
    name: str, mode: Mode, role: Role, folders: Sequence[Path] = ()
) -> SendProfile:
    """What a classroom's devices send; the standard room's if its profile is not to be had."""
    return send_profile(_room_profile(name, folders), mode, role)


def first_layout(name: str, folders: Sequence[Path] = ()) -> Layout:
    """How pictures stand when a lesson begins that is led from such a classroom."""
    return Layout(_room_profile(name, folders).layout)


def _room_profile(name: str, folders: Sequence[Path]) -> RoomProfile:
    try:
        return load_room_profile(name, folders)
    except ProfileError as error:
        _log.warning("room profile unusable, the standard one is used", why=str(error))
        return load_room_profile(STANDARD_PROFILE)


def choose_server_profile(name: str, folders: Sequence[Path] = ()) -> ServerProfile:
    """The server profile of the settings; "auto" is the largest that this machine carries.

    Every profile file that is wrong is logged: this is the start, when somebody looks.
    Raises `StartRefused` with the file and line of what is wrong with the one asked for.
    """
    _warn_of_wrong_profiles(folders)
    try:
        if name == "auto":
            return fitting_profile(
                list_server_profiles(folders),
                cores=len(os.sched_getaffinity(0)),
                memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
            )
        return load_server_profile(name, folders)
    except ProfileError as error:
        raise StartRefused(
            f"The setting server_profile cannot be used: {error.message_en}",
            f"设置 server_profile 无法使用：{error.message_zh}",
        ) from None
