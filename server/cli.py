"""The command `tongke`: serve, demonstrate, simulate, and small helps for administrators.

Parts are imported by the command that needs them, so that `--help` answers at once and a server
that was killed is back soon (`docs/running.md`). What keeps a server from starting is told in one
paragraph, with exit code 2, or 75 where it may pass by itself (`server.errors`).
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Coroutine
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from server.command_words import words
from server.config import Settings, load_settings
from server.errors import StartRefused, Text
from server.keeper import keep
from server.logs import set_up_logs
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup

if TYPE_CHECKING:
    from server.door.addresses import Addresses
    from server.serving import RunningServer

app = typer.Typer(
    name="tongke",
    cls=SpokenGroup,
    help=words("tongke"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
admin = typer.Typer(cls=SpokenGroup, help=words("admin"), no_args_is_help=True)
app.add_typer(admin, name="admin")
# Commands whose options take their own parts to describe; `serve` does not wait for them.
_OTHERS = {
    "backup": "server.backup.cli",
    "restore": "server.backup.cli",
    "demo": "server.demo.cli",
    "simulate": "server.simulate.cli",
    "doctor": "server.doctor.cli",
}
if sys.argv[1:2] != ["serve"]:
    for _name, _module in _OTHERS.items():
        app.command(cls=SpokenCommand, help=words(_name))(getattr(import_module(_module), _name))
    app.add_typer(import_module("server.archive_cli").archive, name="archive")
    app.add_typer(import_module("server.config_cli").config, name="config")
    app.add_typer(import_module("server.profile_cli").profile, name="profile")
    app.add_typer(import_module("server.room_cli").room_commands, name="room")
    app.add_typer(import_module("server.service.cli").service, name="service")

# What a server that was killed finds read in already; `server.serving` is nearly all of it.
_READ_IN = (
    "server.serving",
    "server.accounts.first_start",
    "server.door.install_files",
    "aiosqlite",
)

T = TypeVar("T")
DataFolder = Annotated[Path | None, typer.Option(help=words("data_folder"))]
Host = Annotated[str | None, typer.Option(help=words("host"))]
Port = Annotated[int | None, typer.Option(help=words("port"))]
PublicUrl = Annotated[str | None, typer.Option(help=words("public_url"))]
MediaPort = Annotated[int | None, typer.Option(help=words("media_port"))]


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # asked for alone

        typer.echo(f"tongke {version('tongke')}")
        raise typer.Exit


@app.callback()
def tongke(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help=words("version")),
    ] = False,
) -> None:
    """One lesson, many classrooms."""


@app.command(cls=SpokenCommand, help=words("serve"))
def serve(
    *,
    data_folder: DataFolder = None,
    host: Host = None,
    port: Port = None,
    media_port: MediaPort = None,
    advertised: Annotated[str | None, typer.Option(help=words("advertised"))] = None,
    public_url: PublicUrl = None,
    tls_cert: Annotated[Path | None, typer.Option(help=words("tls_cert"))] = None,
    tls_key: Annotated[Path | None, typer.Option(help=words("tls_key"))] = None,
    plain_http: Annotated[
        bool | None, typer.Option("--plain-http", help=words("plain_http"))
    ] = None,
) -> None:
    """Run the server. All settings: docs/settings.md."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    # A quarter of the time of a start went into looking for garbage among classes being made.
    gc.disable()
    settings = _settings(
        data_folder=data_folder,
        host=host,
        port=port,
        media_port=media_port,
        advertised=advertised,
        public_url=public_url,
        tls_cert=tls_cert,
        tls_key=tls_key,
        plain_http=plain_http,
    )
    try:
        sockets = _listen(settings)
    except StartRefused as refused:
        _fail(refused)
    for part in _READ_IN:
        import_module(part)
    keep()
    _run(_serve(settings, sockets))


@admin.command("reset-key", cls=SpokenCommand, help=words("reset-key"))
def reset_key(
    *,
    data_folder: DataFolder = None,
    username: Annotated[str | None, typer.Option(help=words("username"))] = None,
    public_url: PublicUrl = None,
) -> None:
    """Print an address that signs an administrator in once, to set a new password."""
    settings = _settings(data_folder=data_folder, public_url=public_url)
    name, address, unsure = _run(_reset_key(settings, username))
    _say(f"{name} 可在一天内用下面的地址登录一次：", f"{name} can sign in once, within a day, at")
    typer.echo(f"  {address}")
    for each in unsure:
        _say(each.zh, each.en, indent="  ")
    _say("然后请在“管理 › 人员”中设置新密码。", "Then set a new password under Admin, People.")


def _listen(settings: Settings) -> list[socket.socket]:
    from server.door.listening import listen  # see the file's head

    # First of all: whoever comes back while the rest is read in waits a moment at the door, and
    # is not sent away to try again later.
    return listen(settings.host, settings.port)


async def _serve(settings: Settings, sockets: list[socket.socket]) -> None:
    from server.accounts.first_start import setup_address
    from server.serving import heard_signals, running_server  # see the file's head

    with heard_signals() as signals:
        async with running_server(settings, sockets=sockets) as server:
            # What stands now stands as long as we do: no collection has to look through it again.
            gc.freeze()
            gc.enable()
            signals.on_hangup = server.reload
            addresses = server.services.addresses
            setup = await setup_address(
                server.services.database,
                server.settings,
                server.services.clock(),
                at=addresses.best().url,
            )
            _greet(server, addresses, _setup_kept(server.settings, setup))
            await signals.stop.wait()
            _say("正在停止…", "Stopping …")


async def _reset_key(settings: Settings, username: str | None) -> tuple[str, str, list[Text]]:
    """Whose it is, the address, and what may keep it from opening."""
    from server.accounts.first_start import sign_in_address
    from server.clock import wall_clock  # see the file's head
    from server.database.engine import Database
    from server.database.private_files import keep_new_files_private
    from server.door.addresses import Addresses
    from server.door.last_start import (
        as_it_started,
        of_the_running_server,
        with_its_places,
    )

    keep_new_files_private()
    settings = with_its_places(of_the_running_server(settings))
    if not settings.database_url and not (settings.data_folder / "tongke.db").is_file():
        raise StartRefused(
            f"There is no Tongke database in {settings.data_folder}. Name the server's data folder "
            "with --data-folder.",
            f"{settings.data_folder} 中没有同课的数据库。"
            "请用 --data-folder 指明服务器的数据文件夹。",
        )
    database = Database(settings.database)
    try:
        await database.migrate()
        started = as_it_started(settings)
        addresses = Addresses(started or settings)
        name, address = await sign_in_address(
            database, settings, wall_clock(), at=addresses.best().url, username=username
        )
        unsure = [addresses.why_alone()]
        if started is None and not settings.public_url:
            unsure.append(_assumed(settings.port))
        return name, address, [each for each in unsure if each is not None]
    finally:
        await database.close()


def _assumed(port: int) -> Text:
    return Text(
        f"这里没有服务器启动的记录，所以假定端口是 {port}。若不同，请用 --public-url 给出地址。",
        f"No start of the server is on record here: it is taken to listen on port {port}. "
        "If it does not, give its address with --public-url.",
    )


def _greet(server: RunningServer, addresses: Addresses, setup: str | None) -> None:
    from server.door.install_files import fingerprint_of  # see the file's head

    best, *others = addresses.for_others() or (addresses.best().url,)
    _say(f"同课已启动：{best}", f"Tongke is running at {best}", bold=True)
    if others:
        _say(f"也可用 {'、'.join(others)}", f"also at {', '.join(others)}", indent="  ")
    here = server.settings.address
    if (alone := addresses.why_alone()) is not None:
        _say(alone.zh, alone.en, indent="  ")
    elif best != here:
        _say(f"在本机上 {here}", f"on this machine {here}", indent="  ")
    served = server.certificate
    # With a certificate that browsers know nobody needs to be told of ours.
    if served and served.public_leaf is None and (authority := served.files.authority):
        _say(
            f"每台电脑都须信任本服务器的证书颁发机构，方法见 {best}/trust",
            f"Each PC must trust its certificate authority; how: {best}/trust",
            indent="  ",
        )
        typer.echo(f"  SHA-256 {fingerprint_of(authority)}")
    if setup is not None:
        typer.echo()
        if setup.startswith("http"):
            _say(
                "首次启动。请用下面的地址建立管理员（只能用一次）：",
                "First start. Make the administrator at this address (it works once):",
            )
        else:
            _say(
                "首次启动。请用下面文件中的地址建立管理员（只能用一次）：",
                "First start. Make the administrator at the address in this file (it works once):",
            )
        typer.echo(f"  {setup}\n")


def _setup_kept(settings: Settings, setup: str | None) -> str | None:
    """What to print of the first start's address: itself, or the file in which it stands."""
    from server.accounts.first_start import (  # see the file's head
        forget_address,
        goes_to_the_journal,
        keep_address,
    )

    if setup is None:
        forget_address(settings.data_folder)
        return None
    if not goes_to_the_journal(sys.stdout.fileno()):
        return setup
    return str(keep_address(settings.data_folder, setup).resolve())


def _say(zh: str, en: str, *, indent: str = "", bold: bool = False) -> None:
    for line in spoken(Text(zh, en), encoding=sys.stdout.encoding):
        typer.secho(f"{indent}{line}", bold=bold)


def _settings(**given: Any) -> Settings:
    try:
        settings = load_settings(**given)
    except StartRefused as refused:
        _fail(refused)
    set_up_logs(settings.log_level, settings.log_format)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except StartRefused as refused:
        _fail(refused)
    except KeyboardInterrupt:  # after the server has listened for it
        sys.exit(130)


def _fail(refused: StartRefused) -> NoReturn:
    for line in spoken(refused.text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    sys.exit(refused.exit_code)
