"""`tongke service install` and `remove`: the commands, and what each of them says it did."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from server.accounts.first_start import ADDRESS_FILE
from server.command_words import words
from server.errors import StartRefused, Text
from server.service.unit import COMMAND, STATE_FOLDER, UNIT, UNIT_FOLDER, USER, is_ours, unit_text
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup
from server.system_errors import why

service = typer.Typer(cls=SpokenGroup, help=words("service"), no_args_is_help=True)
_RUNNING_SYSTEMD = Path("/run/systemd/system")


@service.command(cls=SpokenCommand, help=words("service_install"))
def install(
    *,
    print_only: Annotated[bool, typer.Option("--print", help=words("service_print"))] = False,
    start: Annotated[bool, typer.Option(help=words("service_start"))] = True,
    root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/"),
) -> None:
    """Write the systemd unit, make its user, start it."""
    program = _program()
    if print_only:
        typer.echo(unit_text(str(program)), nl=False)
        return
    try:
        for done in _install(program, root, start=start):
            _say(done)
    except StartRefused as refused:
        _fail(refused.text)
    except OSError as error:
        _fail(_not_done(error))


@service.command(cls=SpokenCommand, help=words("service_remove"))
def remove(
    *, root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/")
) -> None:
    """Stop the service and take its unit away; what it kept stays."""
    try:
        for done in _remove(root):
            _say(done)
    except StartRefused as refused:
        _fail(refused.text)
    except OSError as error:
        _fail(_not_done(error))


def _install(program: Path, root: Path, *, start: bool) -> Iterator[Text]:
    unit = root / UNIT_FOLDER.lstrip("/") / UNIT
    _refuse_if_not_root()
    if unit.is_file() and not is_ours(unit.read_text(errors="replace")):
        raise StartRefused(
            f"{unit} was written by somebody else and is left alone. Move it away first.",
            f"{unit} 不是由本程序写入的，未作改动。请先把它移走。",
        )
    if (hidden := _hidden(program)) is not None:
        raise StartRefused(
            f"The service's user cannot read {hidden}. Put Tongke where every user can read it, "
            "such as /opt/tongke, and install from there.",
            f"服务的用户无法读取 {hidden}。请把同课放到所有用户都能读取的位置（如 /opt/tongke），"
            "再从那里安装。",
        )
    if root == Path("/"):
        yield from _make_user()
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(unit_text(str(program)), encoding="utf-8")
    unit.chmod(0o644)
    yield Text(f"已写入 {unit}", f"Written: {unit}")
    yield _link(program, root)
    if root != Path("/") or not _RUNNING_SYSTEMD.is_dir():
        yield Text(
            "这里没有运行 systemd，因此没有启动。", "No systemd runs here, so nothing was started."
        )
        return
    _systemctl("daemon-reload")
    if start:
        _systemctl("enable", "--quiet", UNIT)
        _systemctl("restart", UNIT)
        yield Text(
            f"已启动，开机时也会启动。建立管理员的地址：sudo cat {STATE_FOLDER}/{ADDRESS_FILE}",
            "Started, now and whenever the machine starts. The address at which the administrator "
            f"is made: sudo cat {STATE_FOLDER}/{ADDRESS_FILE}",
        )
    yield Text(
        f"数据在 {STATE_FOLDER}，设置写入 /etc/tongke/tongke.toml（见 docs/settings.md）。",
        f"Its data is in {STATE_FOLDER}; settings go into /etc/tongke/tongke.toml "
        "(docs/settings.md).",
    )


def _remove(root: Path) -> Iterator[Text]:
    unit = root / UNIT_FOLDER.lstrip("/") / UNIT
    _refuse_if_not_root()
    if not unit.is_file():
        raise StartRefused(f"There is no {unit}.", f"没有 {unit}。")
    if not is_ours(unit.read_text(errors="replace")):
        raise StartRefused(
            f"{unit} was written by somebody else and is left alone.",
            f"{unit} 不是由本程序写入的，未作改动。",
        )
    if root == Path("/") and _RUNNING_SYSTEMD.is_dir():
        _systemctl("disable", "--quiet", "--now", UNIT)
        yield Text("已停止。", "Stopped.")
    unit.unlink()
    link = root / COMMAND.lstrip("/")
    if link.is_symlink() and link.readlink() == _program():
        link.unlink()
    if root == Path("/") and _RUNNING_SYSTEMD.is_dir():
        _systemctl("daemon-reload")
    yield Text(f"已删除 {unit}", f"Removed: {unit}")
    yield Text(
        f"{STATE_FOLDER} 和用户 {USER} 保留不动。",
        f"{STATE_FOLDER} and the user {USER} are left as they are.",
    )


def _link(program: Path, root: Path) -> Text:
    """`sudo tongke …` finds it: its folder is among those that sudo looks in."""
    link = root / COMMAND.lstrip("/")
    if os.path.lexists(link) and not link.is_symlink():
        return Text(
            f"{link} 是别的程序，未作改动：请用 {program} 运行命令。",
            f"{link} is another program and is left alone: commands are run as {program}.",
        )
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(program)
    return Text(f"命令 tongke 在 {link}", f"The command tongke is at {link}")


def _make_user() -> Iterator[Text]:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        folder = ["--home-dir", STATE_FOLDER, "--no-create-home"]
        _call("useradd", "--system", "--user-group", *folder, "--shell", "/usr/sbin/nologin", USER)
        yield Text(f"已建立用户 {USER}", f"Made the user {USER}")


def _program() -> Path:
    """Where this command is: the same folder's program is the service's."""
    return Path(sys.executable).parent / "tongke"


def _hidden(program: Path) -> Path | None:
    """The first folder on the way that others cannot enter, or a home: the unit hides those."""
    for path in (program, Path(sys.executable).resolve()):
        for folder in [*reversed(path.parents)][1:]:
            home = folder in {Path("/root"), Path("/home")} and folder.exists()
            if home or not folder.stat().st_mode & 0o001:
                return folder
    return None


def _refuse_if_not_root() -> None:
    if os.geteuid() != 0:
        raise StartRefused(
            "This writes into the system's folders: run it with sudo. With --print it only shows "
            "the unit.",
            "这会写入系统文件夹：请用 sudo 运行。加上 --print 则只显示服务文件。",
        )


def _systemctl(*arguments: str) -> None:
    _call("systemctl", *arguments)


def _call(program: str, *arguments: str) -> None:
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise StartRefused(f"{program} is not installed here.", f"这里没有安装 {program}。")
    done = subprocess.run(  # noqa: S603 - a fixed program with our own words
        [found, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise StartRefused(f"{program} failed: {said}", f"{program} 失败：{said}")


def _not_done(error: OSError) -> Text:
    return Text(
        f"无法写入 {error.filename}（{why(error).zh}）。",
        f"{error.filename} cannot be written: {error.strerror}.",
    )


def _say(text: Text) -> None:
    for line in spoken(text, encoding=sys.stdout.encoding):
        typer.echo(line)


def _fail(text: Text) -> NoReturn:
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    sys.exit(2)
