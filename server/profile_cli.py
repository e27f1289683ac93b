"""`tongke profile`: the hardware profiles there are, what is wrong with them, one of them whole.

Owns the commands' words alone; the profiles are `hardware_profiles`'.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from hardware_profiles import (
    LinkProfile,
    PcProfile,
    ProfileError,
    ProfileNotFound,
    RoomProfile,
    ServerProfile,
    count_own,
    find_problems,
    list_link_profiles,
    list_pc_profiles,
    list_room_profiles,
    list_server_profiles,
    load_link_profile,
    load_pc_profile,
    load_room_profile,
    load_server_profile,
)
from server.command_words import words
from server.config import load_settings
from server.errors import StartRefused, Text
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup

AnyProfile = RoomProfile | PcProfile | LinkProfile | ServerProfile
DataFolder = Annotated[Path | None, typer.Option(help=words("data_folder"))]

profile = typer.Typer(cls=SpokenGroup, help=words("profile"), no_args_is_help=True)

_LOADERS: tuple[Callable[[str, Sequence[Path]], AnyProfile], ...] = (
    load_room_profile,
    load_pc_profile,
    load_link_profile,
    load_server_profile,
)


@profile.command("list", cls=SpokenCommand, help=words("profile-list"))
def list_profiles(*, data_folder: DataFolder = None) -> None:
    """Print them kind by kind, each with its title."""
    folders = _folders(data_folder)
    kinds: list[tuple[Text, list[AnyProfile]]] = [
        (Text("教室", "Rooms"), [*list_room_profiles(folders)]),
        (Text("教室电脑", "Room PCs"), [*list_pc_profiles(folders)]),
        (Text("线路", "Lines"), [*list_link_profiles(folders)]),
        (Text("服务器", "Servers"), [*list_server_profiles(folders)]),
    ]
    for kind, profiles in kinds:
        _say(kind)
        for one in profiles:
            title = " · ".join(_lines(Text(one.title_zh, one.title_en)))
            typer.echo(f"  {one.name:<20} {title}")
    _tell_problems(folders)


@profile.command("check", cls=SpokenCommand, help=words("profile-check"))
def check_profiles(*, data_folder: DataFolder = None) -> None:
    """Print what is wrong; exit with 1 when something is."""
    folders = _folders(data_folder)
    if _tell_problems(folders):
        raise typer.Exit(1)
    own = ", ".join(str(folder) for folder in folders)
    _say(
        Text(
            f"所有硬件配置都正确：随同课提供的，和 {own} 中的 {count_own(folders)} 份。",
            f"Every hardware profile is right: ours, and {count_own(folders)} in {own}.",
        )
    )


@profile.command("show", cls=SpokenCommand, help=words("profile-show"))
def show_profile(
    name: Annotated[str, typer.Argument(help=words("profile_name"))],
    *,
    data_folder: DataFolder = None,
) -> None:
    """Print one, of whatever kind, with all it inherits."""
    folders = _folders(data_folder)
    refusal: ProfileError | None = None
    for load in _LOADERS:
        try:
            found = load(name, folders)
        except ProfileNotFound as error:
            refusal = refusal or error
        except ProfileError as error:
            refusal = error
            break
        else:
            typer.echo(found.model_dump_json(indent=2, exclude_none=True))
            return
    assert refusal is not None  # one of the loaders has refused
    _say(Text(refusal.message_zh, refusal.message_en), err=True)
    raise typer.Exit(2)


def _folders(data_folder: Path | None) -> tuple[Path, ...]:
    try:
        return load_settings(data_folder=data_folder).profile_folders
    except StartRefused as refused:
        _say(refused.text, err=True)
        raise typer.Exit(2) from None


def _tell_problems(folders: Sequence[Path]) -> bool:
    problems = find_problems(folders)
    for problem in problems:
        _say(Text(problem.message_zh, problem.message_en), err=True)
    return bool(problems)


def _lines(text: Text) -> list[str]:
    return list(spoken(text, encoding=sys.stdout.encoding))


def _say(text: Text, *, err: bool = False) -> None:
    for line in _lines(text):
        typer.echo(line, err=err)


@profile.command("fit", cls=SpokenCommand, help=words("profile-fit"))
def fit_profile(
    *,
    write: Annotated[Path | None, typer.Option("--write", help=words("fit_write"))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=words("fit_yes"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help=words("fit_json"))] = False,
    server: Annotated[str, typer.Option(help=words("doctor_server"))] = "",
    credential_file: Annotated[
        Path | None, typer.Option(help=words("room_credential_file"))
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
    data_folder: DataFolder = None,
) -> None:
    """Propose a room's profile from this machine; write it when somebody has agreed."""
    from server.doctor.fitting import fit, write_profile  # not for --help
    from server.doctor.room_side import RoomOptions

    folders = _folders(data_folder)
    options = RoomOptions(server=server, credential_file=credential_file, insecure=insecure)
    try:
        fitted = asyncio.run(fit(options, folders))
        if as_json:
            typer.echo(fitted.as_json())
        else:
            typer.echo(fitted.proposal.text)
        if write is None:
            if not as_json:
                _say(_to_write(folders[0] / "rooms"), err=True)
            return
        if not yes and not _agreed(write):
            _say(Text("没有写入。", "Nothing was written."), err=True)
            raise typer.Exit(1)
        write_profile(write, fitted.proposal, folders)
    except StartRefused as refused:
        _say(refused.text, err=True)
        raise typer.Exit(2) from None
    _say(Text(f"已写入 {write}。", f"Written to {write}."), err=True)


def _to_write(rooms: Path) -> Text:
    return Text(
        f"没有写入。看过之后，加上 --write {rooms}/NAME.toml 再运行一次，即可写入；"
        "NAME 是配置的名称，用小写字母、数字和 -。",
        f"Nothing was written. Look it over, then run it again with --write {rooms}/NAME.toml; "
        "NAME is the profile's: small letters, digits and -.",
    )


def _agreed(file: Path) -> bool:
    """Nobody at the terminal agrees to nothing."""
    _say(Text(f"写入 {file}？[y/N]", f"Write {file}? [y/N]"), err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "是")
