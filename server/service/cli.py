"""`tongke service install` and `remove`: the commands, and what each of them says it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from server.accounts.first_start import ADDRESS_FILE
from server.command_words import words
from server.errors import StartRefused, Text
from server.service import placing
from server.service.unit import COMMAND, STATE_FOLDER, UNIT, UNIT_FOLDER, USER, is_ours, unit_text
from server.spoken_help import SpokenCommand, SpokenGroup

service = typer.Typer(cls=SpokenGroup, help=words("service"), no_args_is_help=True)


@service.command(cls=SpokenCommand, help=words("service_install"))
def install(
    *,
    print_only: Annotated[bool, typer.Option("--print", help=words("service_print"))] = False,
    start: Annotated[bool, typer.Option(help=words("service_start"))] = True,
    root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/"),
) -> None:
    """Write the systemd unit, make its user, start it."""
    program = placing.own_program()
    if print_only:
        typer.echo(unit_text(str(program)), nl=False)
        return
    try:
        for done in _install(program, root, start=start):
            placing.say(done)
    except StartRefused as refused:
        placing.fail(refused.text)
    except OSError as error:
        placing.fail(placing.not_done(error))


@service.command(cls=SpokenCommand, help=words("service_remove"))
def remove(
    *, root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/")
) -> None:
    """Stop the service and take its unit away; what it kept stays."""
    try:
        for done in _remove(root):
            placing.say(done)
    except StartRefused as refused:
        placing.fail(refused.text)
    except OSError as error:
        placing.fail(placing.not_done(error))


def _install(program: Path, root: Path, *, start: bool) -> Iterator[Text]:
    unit = root / UNIT_FOLDER.lstrip("/") / UNIT
    placing.refuse_if_not_root()
    if unit.is_file() and not is_ours(unit.read_text(errors="replace")):
        raise StartRefused(
            f"{unit} was written by somebody else and is left alone. Move it away first.",
            f"{unit} 不是由本程序写入的，未作改动。请先把它移走。",
        )
    if (hidden := placing.hidden_folder(program)) is not None:
        raise StartRefused(
            f"The service's user cannot read {hidden}. Put Tongke where every user can read it, "
            "such as /opt/tongke, and install from there.",
            f"服务的用户无法读取 {hidden}。请把同课放到所有用户都能读取的位置（如 /opt/tongke），"
            "再从那里安装。",
        )
    if root == Path("/"):
        yield from placing.make_user(USER, STATE_FOLDER)
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text(unit_text(str(program)), encoding="utf-8")
    unit.chmod(0o644)
    yield Text(f"已写入 {unit}", f"Written: {unit}")
    yield placing.link_command(program, root)
    if root != Path("/") or not placing.RUNNING_SYSTEMD.is_dir():
        yield Text(
            "这里没有运行 systemd，因此没有启动。", "No systemd runs here, so nothing was started."
        )
        return
    placing.systemctl("daemon-reload")
    if start:
        placing.systemctl("enable", "--quiet", UNIT)
        placing.systemctl("restart", UNIT)
        yield Text(
            f"已启动，开机时也会启动。建立管理员的地址：sudo cat {STATE_FOLDER}/{ADDRESS_FILE}",
            "Started, now and whenever the machine starts. The address at which the administrator "
            f"is made: sudo cat {STATE_FOLDER}/{ADDRESS_FILE}",
        )
    yield Text(
        f"数据在 {STATE_FOLDER}，设置写入 /etc/tongke/tongke.toml（见 docs/zh/settings.md）。",
        f"Its data is in {STATE_FOLDER}; settings go into /etc/tongke/tongke.toml "
        "(docs/settings.md).",
    )


def _remove(root: Path) -> Iterator[Text]:
    unit = root / UNIT_FOLDER.lstrip("/") / UNIT
    placing.refuse_if_not_root()
    if not unit.is_file():
        raise StartRefused(f"There is no {unit}.", f"没有 {unit}。")
    if not is_ours(unit.read_text(errors="replace")):
        raise StartRefused(
            f"{unit} was written by somebody else and is left alone.",
            f"{unit} 不是由本程序写入的，未作改动。",
        )
    if root == Path("/") and placing.RUNNING_SYSTEMD.is_dir():
        placing.systemctl("disable", "--quiet", "--now", UNIT)
        yield Text("已停止。", "Stopped.")
    unit.unlink()
    link = root / COMMAND.lstrip("/")
    if link.is_symlink() and link.readlink() == placing.own_program():
        link.unlink()
    if root == Path("/") and placing.RUNNING_SYSTEMD.is_dir():
        placing.systemctl("daemon-reload")
    yield Text(f"已删除 {unit}", f"Removed: {unit}")
    yield Text(
        f"{STATE_FOLDER} 和用户 {USER} 保留不动。",
        f"{STATE_FOLDER} and the user {USER} are left as they are.",
    )
