"""What a person names for a room: the file of its credential, the folder of its own profiles.

Owns the words for what is no such thing, for the agent, its service and the doctor.
"""

from __future__ import annotations

from pathlib import Path

from hardware_profiles.room_agent.passwords import read_credential
from server.errors import StartRefused
from server.system_errors import why

# What a folder of profiles has in it, of which a room's profile may be made.
PROFILE_KINDS = ("rooms", "links", "pcs")


def credential_in(file: Path) -> str:
    """Raises `StartRefused` for a file that cannot be read, or holds no credential."""
    try:
        return read_credential(file)
    except OSError as error:
        reason = why(error)
        raise StartRefused(
            f"The device credential {file} cannot be read: {reason.en}.",
            f"无法读取设备凭证 {file}：{reason.zh}。",
        ) from None
    except ValueError:
        raise StartRefused(
            f"{file} is no device credential: it must be one word alone, as it was shown.",
            f"{file} 不是设备凭证：文件中须只有显示过的那一个词。",
        ) from None


def profile_folders(folder: Path | None) -> list[Path]:
    """The folders to look in before ours. Raises `StartRefused` for one that holds no profiles:
    a slip in it would be told as a profile that there is none of.
    """
    if folder is None:
        return []
    if not any((folder / kind).is_dir() for kind in PROFILE_KINDS):
        raise StartRefused(
            f"There is no {folder / 'rooms'}: --profiles-folder names the folder that has rooms/ "
            "in it.",
            f"没有文件夹 {folder / 'rooms'}：--profiles-folder 须是其中有 rooms/ 的那个文件夹。",
        )
    return [folder]
