"""`tongke backup` and `tongke restore`: the command lines and their words."""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from server.backup.errors import BackupDamaged
from server.clock import wall_clock
from server.command import INTERRUPTED
from server.command_words import words
from server.config import Settings, load_settings
from server.database.private_files import keep_new_files_private
from server.errors import StartRefused, Text
from server.service.unit import STATE_FOLDER
from server.spoken import spoken
from server.system_errors import why


def backup(
    file: Annotated[Path, typer.Argument(help=words("backup_file"))],
    *,
    data_folder: Annotated[Path | None, typer.Option(help=words("data_folder"))] = None,
    without_recordings: Annotated[
        bool, typer.Option("--without-recordings", help=words("without_recordings"))
    ] = False,
    without_database: Annotated[
        bool, typer.Option("--without-database", help=words("without_database"))
    ] = False,
) -> None:
    """Copy all that a server keeps into one file, while it runs, and read the copy again."""
    from server.backup.making import make_backup  # not for --help
    from server.door.last_start import (
        its_settings_file,
        of_the_running_server,
        with_its_places,
    )

    keep_new_files_private()
    with _in_order(file):
        settings = with_its_places(of_the_running_server(_settings(data_folder)))
        _refuse_empty(settings)
        made = make_backup(
            settings,
            file,
            now=wall_clock(),
            version=importlib.metadata.version("tongke"),
            config_file=its_settings_file(settings),
            recordings=not without_recordings,
            database=not without_database,
        )
    size = made.size / 1e6
    _say(
        f"已备份 {settings.data_folder}：{made.files} 个文件，{size:.1f} MB，并已逐一核对。",
        f"Backed up {settings.data_folder}: {made.files} files, {size:.1f} MB, each read again.",
    )
    if made.contents is not None:
        inside = made.contents
        _say(
            f"其中有 {inside.people} 位人员、{inside.lessons} 节课、{inside.recordings} 个录像。",
            f"In it: {inside.people} people, {inside.lessons} lessons, "
            f"{inside.recordings} recordings.",
        )
    for link in made.links:
        _say(
            f"未备份 {link}：它是链接，链接所指的内容须另行备份。",
            f"Left out: {link}, a link. Back up what it leads to by itself.",
        )
    _say(
        "文件中有密钥：谁拿到它，就能冒充这个服务器。请妥善保管。",
        "It holds the keys: whoever has it can pass for this server. Keep it safe.",
    )


def restore(
    file: Annotated[Path, typer.Argument(help=words("restore_file"))],
    *,
    data_folder: Annotated[Path | None, typer.Option(help=words("data_folder"))] = None,
    keep_live: Annotated[bool, typer.Option("--keep-live", help=words("keep_live"))] = False,
) -> None:
    """Put a backup back into an empty data folder."""
    from server.backup.restoring import restore_backup  # not for --help

    keep_new_files_private()
    with _in_order(file):
        settings = _settings(data_folder)
        done = restore_backup(file, settings.data_folder, settings.recordings, keep_live=keep_live)
    _say(f"已恢复到 {settings.data_folder}。", f"Restored into {settings.data_folder}.")
    if done.contents is None:
        _say("其中没有数据库。", "There is no database in it.")
    if done.lessons_ended:
        _say(
            f"备份时正在进行的 {done.lessons_ended} 节课已记为结束。",
            f"{done.lessons_ended} lessons that were going on then have ended.",
        )
    for lay, now in done.elsewhere.items():
        _say(f"原在 {lay}，现在 {now}", f"was {lay}, is now {now}", indent="  ")
    start = f"tongke serve --data-folder {shlex.quote(str(settings.data_folder))}"
    if str(settings.data_folder) == STATE_FOLDER:
        start = "systemctl start tongke"
    _say(f"用 {start} 启动。", f"Start it with: {start}")


@contextlib.contextmanager
def _in_order(file: Path) -> Iterator[None]:
    """What keeps it from being done is said, and ends the command with nothing half."""
    _end_in_order()
    try:
        yield
    except StartRefused as refused:
        _fail(refused.text)
    except BackupDamaged as damaged:
        _fail(_damaged(file, damaged))
    except OSError as error:
        _fail(_not_written(error, file))
    except KeyboardInterrupt:
        _stopped()


def _settings(data_folder: Path | None) -> Settings:
    return load_settings(**({} if data_folder is None else {"data_folder": data_folder}))


def _refuse_empty(settings: Settings) -> None:
    if not settings.database_url and not (settings.data_folder / "tongke.db").is_file():
        raise StartRefused(
            f"There is no Tongke database in {settings.data_folder}. Name the server's data folder "
            "with --data-folder.",
            f"{settings.data_folder} 中没有同课的数据库。"
            "请用 --data-folder 指明服务器的数据文件夹。",
        )


def _damaged(file: Path, damaged: BackupDamaged) -> Text:
    return Text(
        f"备份 {file} 不可用（{damaged.text.zh}）。什么也没有改动。",
        f"The backup {file} cannot be used: {damaged.text.en}. Nothing was changed.",
    )


def _not_written(error: OSError, file: Path) -> Text:
    where, reason = Path(error.filename or file), why(error)
    if error.errno == errno.ENOENT and where.parent == file.parent and not file.parent.is_dir():
        return Text(
            f"没有文件夹 {file.parent}。请先建立它（mkdir -p {file.parent}），或写明另一个文件夹。",
            f"There is no folder {file.parent}. Make it first (mkdir -p {file.parent}), or name "
            "another.",
        )
    if error.errno == errno.ENOSPC:
        return Text(
            f"{file.parent} 所在的磁盘已满。什么也没有留下。请腾出空间，"
            "换用另一块磁盘，或加上 --without-recordings。",
            f"The disk of {file.parent} is full. Nothing is left behind. Free some space, take "
            "another disk, or leave the recordings out (--without-recordings).",
        )
    return Text(
        f"无法读写 {where}（{reason.zh}）。什么也没有留下。",
        f"{where} cannot be read or written: {reason.en}. Nothing is left behind.",
    )


def _end_in_order() -> None:
    """Whoever stops it shall find nothing half: neither file nor folder (`server.command` would end
    it at once)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stopped() -> NoReturn:
    _say("已停止。什么也没有留下。", "Stopped. Nothing is left behind.")
    sys.exit(INTERRUPTED)


def _say(zh: str, en: str, *, indent: str = "") -> None:
    for line in spoken(Text(zh, en), encoding=sys.stdout.encoding):
        typer.echo(f"{indent}{line}")


def _fail(text: Text) -> NoReturn:
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    sys.exit(2)
