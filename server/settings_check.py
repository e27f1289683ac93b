"""What settings name that is not there: told before anything is opened, made or listened to.

`tongke serve` asks at its start, `tongke config check` without one. A port and a disk's space are
not asked here: only a start can tell.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from server.config import Settings
from server.errors import StartRefused


def refuse_what_is_not_there(settings: Settings) -> None:
    """Raises `StartRefused` for the first thing that settings name and the machine has not."""
    _folder(settings.profiles_folder, "profiles_folder", holds=("rooms", "servers"))
    _folder(settings.web_folder, "web_folder", holds=("index.html",))
    _makeable(settings.data_folder, "data_folder")
    _makeable(settings.recordings, "recordings_folder")
    _own_profiles(settings.data_folder / "hardware_profiles")
    _kept_apart(settings)
    _ports(settings)
    refuse_database(settings.database)


def _folder(path: Path | None, setting: str, *, holds: tuple[str, ...]) -> None:
    if path is None:
        return
    if not path.is_dir():
        raise StartRefused(
            f"The folder {path} (setting {setting}) does not exist, or is no folder. Correct the "
            "setting, or leave it out.",
            f"文件夹 {path}（设置 {setting}）不存在，或者不是文件夹。请改正，或不填这项设置。",
        )
    _readable(path, setting)
    if not any((path / name).exists() for name in holds):
        names, names_zh = " or ".join(holds), " 或 ".join(holds)
        raise StartRefused(
            f"The folder {path} (setting {setting}) holds no {names}: it is another folder than "
            "you mean. Correct the setting, or leave it out.",
            f"文件夹 {path}（设置 {setting}）中没有 {names_zh}：不是您想用的文件夹。"
            "请改正，或不填这项设置。",
        )


def _makeable(path: Path, setting: str) -> None:
    """A folder that stands and may be written in, or that can be made."""
    standing = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    if not standing.is_dir():
        raise StartRefused(
            f"{path} (setting {setting}) cannot be used: {standing} is no folder. Correct the "
            "setting, or move away what stands there.",
            f"{path}（设置 {setting}）无法使用：{standing} 不是文件夹。"
            "请改正设置，或移走那里的文件。",
        )
    if not os.access(standing, os.W_OK | os.X_OK):
        raise StartRefused(
            f"The folder {path} (setting {setting}) cannot be used: the user that runs Tongke may "
            f"not write in {standing}. Give that user the right to, or correct the setting.",
            f"文件夹 {path}（设置 {setting}）无法使用：运行同课的用户无权在 {standing} 中写入。"
            "请让该用户有权写入，或改正设置。",
        )


def _own_profiles(folder: Path) -> None:
    """The data folder's own profiles need not be there; where they are they count."""
    if folder.is_dir():
        _readable(folder, "data_folder")
    elif folder.exists():
        raise StartRefused(
            f"{folder} is no folder: hardware profiles of your own would stand in it, under rooms "
            "and servers. Move it away.",
            f"{folder} 不是文件夹：其中应是您自己的硬件配置，放在 rooms 和 servers 之下。"
            "请移走它。",
        )


def _kept_apart(settings: Settings) -> None:
    """Whoever opens the pages gets every file of their folder: none of ours may lie in it. And what
    lies beside the recordings is taken for recordings."""
    data, recordings = settings.data_folder.resolve(), settings.recordings.resolve()
    web = settings.web_folder.resolve() if settings.web_folder else None
    for name, folder in (("data_folder", data), ("recordings_folder", recordings)):
        if web is not None and folder.is_relative_to(web):
            raise StartRefused(
                f"The folder {folder} ({name}) lies in {web} (web_folder), every file of which is "
                "handed to whoever asks, keys and recordings too. Give the pages a folder of "
                "their own.",
                f"文件夹 {folder}（{name}）位于 {web}（web_folder）之中，"
                "其中每个文件任何人都能取得，包括密钥和录像。请让网页使用单独的文件夹。",
            )
    if data.is_relative_to(recordings):
        raise StartRefused(
            f"The recordings' folder {recordings} (recordings_folder) must not be the data folder "
            "or one around it: what lies there is taken for recordings. Give them a folder of "
            "their own.",
            f"录像文件夹 {recordings}（recordings_folder）不能是数据文件夹或它的上级："
            "其中的内容会被当作录像。请让录像使用单独的文件夹。",
        )


def _readable(path: Path, setting: str) -> None:
    if not os.access(path, os.R_OK | os.X_OK):
        raise StartRefused(
            f"The folder {path} (setting {setting}) may not be read by the user that runs Tongke. "
            "Give that user the right to read it.",
            f"运行同课的用户无权读取文件夹 {path}（设置 {setting}）。请让该用户有权读取。",
        )


def _ports(settings: Settings) -> None:
    """The pages and the media by TCP want ports of their own."""
    first = settings.media_tcp_port or settings.media_port
    if not settings.media_tcp or not first or not settings.port:
        return
    if first <= settings.port < first + max(1, settings.media_pumps):
        raise StartRefused(
            f"The TCP port {settings.port} is given twice: to the pages (setting port) and to the "
            "media (media_port, media_tcp_port, one port for each of media_pumps). Give the pages "
            "or the media another one.",
            f"TCP 端口 {settings.port} 被用了两次：网页（设置 port）和音视频（media_port、"
            "media_tcp_port，每个 media_pumps 一个端口）。请给其中之一换一个端口。",
        )


def refuse_database(url: str) -> None:
    """Raises `StartRefused` for a database whose driver is not installed, or is not async."""
    kind, _, rest = url.partition("://")
    if not rest:
        raise StartRefused(
            "The setting database_url is no database's address. It is like "
            "postgresql+asyncpg://tongke:PASSWORD@10.0.0.5/tongke; leave it out for the SQLite "
            "file in the data folder.",
            "设置 database_url 不是数据库的地址。应像 "
            "postgresql+asyncpg://tongke:PASSWORD@10.0.0.5/tongke 这样（PASSWORD 为密码）；"
            "不填则使用数据文件夹中的 SQLite 文件。",
        )
    if kind not in {"sqlite+aiosqlite", "postgresql+asyncpg"}:
        raise StartRefused(
            f"The setting database_url cannot be used: it begins with {kind}://. It must begin "
            "with postgresql+asyncpg:// or sqlite+aiosqlite://; leave it out for the SQLite file "
            "in the data folder.",
            f"设置 database_url 无法使用：须以 postgresql+asyncpg:// 或 sqlite+aiosqlite:// "
            f"开头，而不是 {kind}；不填则使用数据文件夹中的 SQLite 文件。",
        )
    if kind == "postgresql+asyncpg" and importlib.util.find_spec("asyncpg") is None:
        raise StartRefused(
            "database_url names a PostgreSQL database, and its driver is not installed. Install "
            f"it with: {sys.prefix}/bin/pip install asyncpg",
            "database_url 指向 PostgreSQL 数据库，但没有安装它的驱动。"
            f"请运行 {sys.prefix}/bin/pip install asyncpg",
        )
