"""`tongke service install` and `remove`: the commands, and what each of them says it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from server.accounts.first_start import ADDRESS_FILE
from server.command_words import words
from server.errors import Text
from server.service import placing
from server.service.placed_unit import NOTHING_STARTED, PlacedUnit
from server.service.unit import COMMAND, MADE_BY, STATE_FOLDER, UNIT, USER, unit_text
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
    placing.carry_out(_install(program, _unit(root), start=start))


@service.command(cls=SpokenCommand, help=words("service_remove"))
def remove(
    *, root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/")
) -> None:
    """Stop the service and take its unit away; what it kept stays."""
    placing.carry_out(_remove(_unit(root)))


def _install(program: Path, unit: PlacedUnit, *, start: bool) -> Iterator[Text]:
    unit.refuse_to_install(program)
    if unit.in_system:
        yield from placing.make_user(USER, STATE_FOLDER)
    yield unit.write(unit_text(str(program)))
    yield placing.link_command(program, unit.root)
    if not unit.can_be_started:
        yield NOTHING_STARTED
        return
    unit.load(start=start)
    if start:
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


def _remove(unit: PlacedUnit) -> Iterator[Text]:
    yield from unit.remove()
    link = unit.root / COMMAND.lstrip("/")
    if link.is_symlink() and link.readlink() == placing.own_program():
        link.unlink()
    yield Text(
        f"{STATE_FOLDER} 和用户 {USER} 保留不动。",
        f"{STATE_FOLDER} and the user {USER} are left as they are.",
    )


def _unit(root: Path) -> PlacedUnit:
    return PlacedUnit(UNIT, MADE_BY, root)
