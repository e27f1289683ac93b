"""`tongke config`: what is in force and where each setting came from, and whether a start would
take it. Nothing is opened, made or listened to. Options are those of `tongke serve`.

Asked on a machine whose service is installed, and from nowhere where settings are, the question is
about that service: its folder and its settings file are taken. Which file was read is always said.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from server.command_words import words
from server.config import CONFIG_FILE_VARIABLE, Settings, load_settings, settings_file
from server.errors import StartRefused, Text
from server.service.unit import CONFIGURATION_FOLDER, STATE_FOLDER, UNIT, UNIT_FOLDER, made_by_us
from server.settings_check import refuse_what_is_not_there
from server.settings_in_force import settings_in_force
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup
from server.wrong_settings import ENV_PREFIX, where_from

config = typer.Typer(cls=SpokenGroup, help=words("config"), no_args_is_help=True)
# Read by `serve` itself: what it takes is said once.
_AS_SERVE = {"allow_extra_args": True, "ignore_unknown_options": True}


@config.command("show", cls=SpokenCommand, help=words("config_show"), context_settings=_AS_SERVE)
def show(ctx: typer.Context) -> None:
    """Print every setting in force, and where it came from. Secrets are hidden."""
    service = _ask_for_the_service()
    given, settings = _settings(ctx)
    file = settings_file(os.environ)
    _say(_read(file.path, service=service), before="# ")
    for each in settings_in_force(settings):
        where = where_from(each.name, given, file) or Text("默认值", "default")
        said = " ".join(dict.fromkeys(spoken(where, encoding=sys.stdout.encoding)))
        typer.echo(f"{each.name} = {each.value or '–'}  # {said}")


@config.command("check", cls=SpokenCommand, help=words("config_check"), context_settings=_AS_SERVE)
def check(ctx: typer.Context) -> None:
    """Say whether the server would start with these settings; exit code 2 if not."""
    service = _ask_for_the_service()
    _, settings = _settings(ctx)
    try:
        refuse_what_is_not_there(settings)
        _refuse_unusable(settings)
    except StartRefused as refused:
        _fail(refused)
    _say(Text("各项设置都可以使用。", "The settings can be used."))
    _say(_read(settings_file(os.environ).path, service=service))


def _ask_for_the_service(root: Path = Path("/")) -> bool:
    """Take the service's surroundings, where it is installed and here are no settings."""
    unit = root / UNIT_FOLDER.lstrip("/") / UNIT
    folder = root / CONFIGURATION_FOLDER.lstrip("/")
    given = any(name.upper().startswith(ENV_PREFIX) for name in os.environ)
    if given or Path("tongke.toml").exists() or not unit.is_file():
        return False
    if not made_by_us(unit.read_text(errors="replace")):
        return False
    os.environ[f"{ENV_PREFIX}DATA_FOLDER"] = STATE_FOLDER  # as the unit says it
    if folder.is_dir():
        os.chdir(folder)
        if Path("tongke.toml").exists():
            os.environ[CONFIG_FILE_VARIABLE] = str(folder / "tongke.toml")
    return True


def _read(path: Path, *, service: bool) -> Text:
    place = path.resolve()
    if not path.is_file():
        zh, en = f"没有设置文件（{place}）", f"no settings file ({place})"
    else:
        zh, en = f"设置文件：{place}", f"settings file: {place}"
    if service:
        zh = f"系统服务 tongke，{zh}；用 systemctl edit 添加的内容不在其中"
        en = f"the service tongke, {en}; what systemctl edit adds is not looked at"
    return Text(zh, en)


def _say(text: Text, *, before: str = "") -> None:
    for line in spoken(text, encoding=sys.stdout.encoding):
        typer.echo(f"{before}{line}")


def _refuse_unusable(settings: Settings) -> None:
    from server.door.certificates import given_certificate
    from server.node.hardware import choose_server_profile
    from server.node.media import node_settings
    from server.signaling_settings import turn_servers  # `show` needs none of it

    if settings.tls_cert is not None and settings.tls_key is not None:
        given_certificate(settings.tls_cert, settings.tls_key)
    turn_servers(settings)
    hardware = choose_server_profile(settings.server_profile, settings.profile_folders)
    node_settings(settings, hardware)


def _settings(ctx: typer.Context) -> tuple[dict[str, Any], Settings]:
    """What the command line gives, and all of them."""
    parent = ctx.find_root()
    tongke = typer.main.get_command(_app())
    assert isinstance(tongke, TyperGroup)  # it has commands
    serve = tongke.commands["serve"]
    with serve.make_context("serve", list(ctx.args), parent=parent) as read:
        given = {name: value for name, value in read.params.items() if value is not None}
    try:
        return given, load_settings(**given)
    except StartRefused as refused:
        _fail(refused)


def _app() -> typer.Typer:
    from server.cli import app  # it has read us in

    return app


def _fail(refused: StartRefused) -> NoReturn:
    for line in spoken(refused.text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    raise typer.Exit(2)
