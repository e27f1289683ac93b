"""`tongke room`: a room's agent, for good or until Ctrl-C; `tongke room install`: as a service.

Owns the command's options; the agent is `hardware_profiles.room_agent`'s, the service
`server.service.room_cli`'s.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer
from typer._click.exceptions import MissingParameter

from hardware_profiles.errors import ProfileError
from hardware_profiles.loader import load_room_profile
from server.command_words import words
from server.errors import StartRefused, Text
from server.service import room_cli as service
from server.service.room_check import address_of
from server.service.room_given import credential_in, profile_folders
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup
from signaling.client.sentences import Sentence
from signaling.client.token_providers import RoomTokens

if TYPE_CHECKING:
    from typer.core import TyperOption

    from hardware_profiles.room_agent.agent import RoomAgent
    from hardware_profiles.room_agent.checking import RoomChecking


room_commands = typer.Typer(cls=SpokenGroup, help=words("room"), invoke_without_command=True)
room_commands.command(cls=SpokenCommand, help=words("room_install"))(service.install)
room_commands.command(cls=SpokenCommand, help=words("room_remove"))(service.remove)


@room_commands.callback()
def room(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Option(help=words("simulate_server"))] = "",
    credential_file: Annotated[
        Path | None, typer.Option(help=words("room_credential_file"))
    ] = None,
    profile: Annotated[str, typer.Option(help=words("room_profile"))] = "",
    profiles_folder: Annotated[
        Path | None, typer.Option(help=words("room_profiles_folder"))
    ] = None,
    passwords: Annotated[Path | None, typer.Option(help=words("room_passwords"))] = None,
    state_folder: Annotated[Path | None, typer.Option(help=words("room_state_folder"))] = None,
    status_port: Annotated[
        int, typer.Option(min=0, max=65535, help=words("room_status_port"))
    ] = 7889,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
    kiosk: Annotated[bool, typer.Option("--kiosk", help=words("room_kiosk"))] = False,
    kiosk_as_root: Annotated[
        bool, typer.Option("--kiosk-as-root", help=words("room_kiosk_as_root"))
    ] = False,
) -> None:
    """Send this room's network cameras into its lessons, by itself."""
    if context.invoked_subcommand is not None:
        return
    if not server or credential_file is None or not profile:
        given = {"server": server, "credential_file": credential_file, "profile": profile}
        missing = next(name for name, value in given.items() if not value)
        (option,) = (one for one in context.command.params if one.name == missing)
        raise MissingParameter(ctx=context, param=cast("TyperOption", option))
    from hardware_profiles.room_agent.agent import RoomAgent  # not for --help
    from hardware_profiles.room_agent.passwords import read_passwords
    from hardware_profiles.room_agent.room_tokens import TimetabledTokens
    from hardware_profiles.room_agent.timetable_file import TimetableFile
    from server.doctor.room_side import RoomOptions, checking_of

    try:
        address = address_of(server, insecure=insecure)
        credential = credential_in(credential_file)
        folders = profile_folders(profiles_folder)
    except StartRefused as refused:
        _fail(refused.text)
    kept = state_folder or usual_state_folder()
    try:
        agent = RoomAgent(
            address,
            TimetabledTokens(
                RoomTokens(address, credential, run=secrets.token_hex(16)),
                TimetableFile(kept, _say, room=f"{address.origin} {credential}"),
            ),
            load_room_profile(profile, folders),
            read_passwords(passwords) if passwords else {},
            rng=random.Random(),  # noqa: S311 - numbers of streams and pauses
            say=_say,
        )
    except ProfileError as error:
        _fail(Text(error.message_zh, error.message_en))
    if kiosk or kiosk_as_root:
        from server.room_kiosk import room_kiosk  # few open it

        agent.kiosk = room_kiosk(
            address, credential, kept, insecure=insecure, as_root=kiosk_as_root, say=_say
        )
    options = RoomOptions(
        server, credential_file, profile, profiles_folder, passwords, insecure=insecure
    )
    asyncio.run(_run(agent, status_port, checking_of(agent, options)))


def usual_state_folder() -> Path:
    """Where the agent keeps what it knows: this user's place for such (XDG, on Windows AppData)."""
    place = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(place) if place else Path.home() / ".local" / "state") / "tongke-room"


def _say(said: Sentence) -> None:
    for line in spoken(Text(*said), encoding=sys.stderr.encoding):
        typer.echo(line, err=True)


def alone() -> None:
    """The command `tongke room` without the others: it runs for months on a small machine."""
    app = typer.Typer(name="tongke", cls=SpokenGroup, add_completion=False)
    app.add_typer(room_commands, name="room")
    app()


async def _run(agent: RoomAgent, status_port: int, checking: RoomChecking) -> None:
    from hardware_profiles.room_agent.status_page import serve_status

    working = asyncio.create_task(agent.run(), name="room-agent")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, working.cancel)
    try:
        status = await serve_status(agent, status_port, checking)
    except OSError:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        _fail(
            Text(
                f"端口 {status_port} 已被占用；请用 --status-port 另选一个。",
                f"Port {status_port} is taken; choose another one with --status-port.",
            )
        )
    port = status.sockets[0].getsockname()[1]
    typer.echo(f"http://127.0.0.1:{port}", err=True)
    with suppress(asyncio.CancelledError):
        await working
    await checking.stop()
    status.close()


def _fail(text: Text) -> NoReturn:
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    raise typer.Exit(2)
