"""`tongke room install` and `remove`: the agent of a room as a service of its machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hardware_profiles.errors import ProfileError
from hardware_profiles.room_agent.passwords import read_passwords
from server.command_words import words
from server.errors import StartRefused, Text
from server.service import placing
from server.service.placed_unit import NOTHING_STARTED, PlacedUnit
from server.service.room_check import address_of, ask_server, refuse_wrong_profile
from server.service.room_given import PROFILE_KINDS, credential_in, profile_folders
from server.service.room_unit import (
    CONFIGURATION_FOLDER,
    MADE_BY,
    STATE_FOLDER,
    UNIT,
    USER,
    room_command,
    room_unit_text,
)
from signaling.client.address import ServerAddress

_CREDENTIAL, _PASSWORDS = "credential", "passwords.toml"
_NO_PASSWORDS = '# Cameras\' passwords by the names the profile has for them: front = "…"\n'


@dataclass(frozen=True, slots=True)
class _Given:
    """What the command was told: whose agent it is, and the files it was given."""

    server: ServerAddress
    profile: str
    credential: Path | None
    profiles_folder: Path | None
    passwords: Path | None


def install(
    *,
    server: Annotated[str, typer.Option(help=words("simulate_server"))],
    profile: Annotated[str, typer.Option(help=words("room_profile"))],
    credential_file: Annotated[
        Path | None, typer.Option(help=words("room_credential_file"))
    ] = None,
    profiles_folder: Annotated[
        Path | None, typer.Option(help=words("room_profiles_folder"))
    ] = None,
    passwords: Annotated[Path | None, typer.Option(help=words("room_passwords"))] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
    print_only: Annotated[bool, typer.Option("--print", help=words("service_print"))] = False,
    start: Annotated[bool, typer.Option(help=words("service_start"))] = True,
    root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/"),
) -> None:
    """Write the room agent's systemd unit, make its user and folder, start it.

    Not before its profile and its credential have been found to be right.
    """
    program = placing.own_program()
    try:
        text = room_unit_text(room_command(str(program), server, profile, insecure=insecure))
    except ValueError:
        placing.fail(Text("选项中有控制字符。", "An option has a control sign in it."))
    if print_only:
        typer.echo(text, nl=False)
        return
    try:
        address = address_of(server, insecure=insecure)
    except StartRefused as refused:
        placing.fail(refused.text)
    given = _Given(address, profile, credential_file, profiles_folder, passwords)
    placing.carry_out(_install(program, text, given, _unit(root), start=start))


def remove(
    *, root: Annotated[Path, typer.Option(hidden=True, help="Another root folder.")] = Path("/")
) -> None:
    """Stop the room agent's service and take its unit away; its folders stay."""
    placing.carry_out(_remove(_unit(root)))


def _install(
    program: Path, text: str, given: _Given, unit: PlacedUnit, *, start: bool
) -> Iterator[Text]:
    folder = unit.root / CONFIGURATION_FOLDER.lstrip("/")
    unit.refuse_to_install(program)
    yield from _try(given, folder)
    if unit.in_system:
        yield from placing.make_user(USER, STATE_FOLDER)
    yield from _fill(folder, given, owned=unit.in_system)
    yield unit.write(text)
    if not (folder / _CREDENTIAL).is_file():
        yield Text(
            f"还缺设备凭证：写入 {folder / _CREDENTIAL}，再运行一次本命令。",
            f"The device credential is still missing: write it into {folder / _CREDENTIAL}, then "
            "run this command again.",
        )
        return
    if not unit.can_be_started:
        yield NOTHING_STARTED
        return
    unit.load(start=start)
    if start:
        yield Text(
            "已启动，开机时也会启动。状态页：http://127.0.0.1:7889",
            "Started, now and whenever the machine starts. Its status page: http://127.0.0.1:7889",
        )


def _try(given: _Given, folder: Path) -> Iterator[Text]:
    """What the agent would be refused for is told now, before anything is written."""
    kept = folder / _PASSWORDS
    file = given.passwords or (kept if kept.is_file() else None)
    try:
        passwords = read_passwords(file) if file is not None else {}
    except ProfileError as error:
        raise StartRefused(error.message_en, error.message_zh) from None
    refuse_wrong_profile(
        given.profile,
        [*profile_folders(given.profiles_folder), folder],
        passwords,
        place=folder / "rooms" / f"{given.profile}.toml",
        server=given.server,
    )
    credential = given.credential or folder / _CREDENTIAL
    if given.credential is not None or credential.is_file():
        yield from ask_server(given.server, credential_in(credential), given.profile)


def _fill(folder: Path, given: _Given, *, owned: bool) -> Iterator[Text]:
    """The folder with what the agent reads, for its user's eyes alone."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = [folder]
    (folder / "rooms").mkdir(exist_ok=True)
    made.append(folder / "rooms")
    if given.profiles_folder is not None:
        made += _copied(given.profiles_folder, folder)
    if given.credential is not None:
        made.append(_write(folder / _CREDENTIAL, credential_in(given.credential)))
    if given.passwords is not None:
        text = given.passwords.read_text(encoding="utf-8-sig")
        made.append(_write(folder / _PASSWORDS, text))
    elif not (folder / _PASSWORDS).exists():
        made.append(_write(folder / _PASSWORDS, _NO_PASSWORDS))
    if owned:
        for path in made:
            shutil.chown(path, USER, USER)
    yield Text(
        f"教室配置在 {folder / 'rooms'}，摄像机密码在 {folder / _PASSWORDS}："
        "改动后请再运行一次本命令。",
        f"The room's own profiles are in {folder / 'rooms'}, the cameras' passwords in "
        f"{folder / _PASSWORDS}: after changing them, run this command again.",
    )


def _copied(profiles: Path, folder: Path) -> Iterator[Path]:
    """The profiles that a room's may be made of, beside those that are there."""
    for kind in PROFILE_KINDS:
        for file in sorted((profiles / kind).glob("*.toml")):
            (folder / kind).mkdir(exist_ok=True)
            yield folder / kind
            yield _write(folder / kind / file.name, file.read_text(encoding="utf-8-sig"))


def _write(file: Path, text: str) -> Path:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    file.chmod(0o600)  # it may have been there
    return file


def _remove(unit: PlacedUnit) -> Iterator[Text]:
    yield from unit.remove()
    yield Text(
        f"{CONFIGURATION_FOLDER}、{STATE_FOLDER} 和用户 {USER} 保留不动。",
        f"{CONFIGURATION_FOLDER}, {STATE_FOLDER} and the user {USER} are left as they are.",
    )


def _unit(root: Path) -> PlacedUnit:
    return PlacedUnit(UNIT, MADE_BY, root)
