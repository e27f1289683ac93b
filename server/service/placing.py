"""What putting any service of ours into the system needs: its user, the command, systemd's word."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import typer

from server.errors import StartRefused, Text
from server.service.unit import COMMAND
from server.spoken import spoken
from server.system_errors import why

RUNNING_SYSTEMD = Path("/run/systemd/system")


def link_command(program: Path, root: Path) -> Text:
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


def make_user(user: str, home: str) -> Iterator[Text]:
    """A user of its own for the service, who cannot sign in."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        folder = ["--home-dir", home, "--no-create-home"]
        call("useradd", "--system", "--user-group", *folder, "--shell", "/usr/sbin/nologin", user)
        yield Text(f"已建立用户 {user}", f"Made the user {user}")


def own_program() -> Path:
    """Where this command is: the same folder's program is the service's."""
    return Path(sys.executable).parent / "tongke"


def hidden_folder(program: Path) -> Path | None:
    """The first folder on the way that others cannot enter, or a home: the unit hides those."""
    for path in (program, Path(sys.executable).resolve()):
        for folder in [*reversed(path.parents)][1:]:
            home = folder in {Path("/root"), Path("/home")} and folder.exists()
            if home or not folder.stat().st_mode & 0o001:
                return folder
    return None


def refuse_if_not_root() -> None:
    """Raises `StartRefused`."""
    if os.geteuid() != 0:
        raise StartRefused(
            "This writes into the system's folders: run it with sudo. With --print it only shows "
            "the unit.",
            "这会写入系统文件夹：请用 sudo 运行。加上 --print 则只显示服务文件。",
        )


def systemctl(*arguments: str) -> None:
    """Raises `StartRefused` with what it said."""
    call("systemctl", *arguments)


def call(program: str, *arguments: str) -> None:
    """A program of the system; raises `StartRefused` with what it said."""
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise StartRefused(f"{program} is not installed here.", f"这里没有安装 {program}。")
    done = subprocess.run(  # noqa: S603 - a fixed program with our own words
        [found, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise StartRefused(f"{program} failed: {said}", f"{program} 失败：{said}")


def not_done(error: OSError) -> Text:
    """What could not be written, and why."""
    return Text(
        f"无法写入 {error.filename}（{why(error).zh}）。",
        f"{error.filename} cannot be written: {error.strerror}.",
    )


def carry_out(steps: Iterator[Text]) -> None:
    """Says each thing that was done; what cannot be done is said, and ends the program with 2."""
    try:
        for done in steps:
            for line in spoken(done, encoding=sys.stdout.encoding):
                typer.echo(line)
    except StartRefused as refused:
        fail(refused.text)
    except OSError as error:
        fail(not_done(error))


def fail(text: Text) -> NoReturn:
    """Nothing more is done."""
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    sys.exit(2)
