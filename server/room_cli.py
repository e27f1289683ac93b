"""`tongke room`: a room's agent, for good or until Ctrl-C.

Owns the command's options; the agent is `hardware_profiles.room_agent`'s.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from hardware_profiles.errors import ProfileError
from hardware_profiles.loader import load_room_profile
from server.command_words import words
from server.errors import Text
from server.spoken import spoken
from server.spoken_help import SpokenCommand, SpokenGroup
from signaling.client.address import ServerAddress
from signaling.client.token_providers import RoomTokens

if TYPE_CHECKING:
    from hardware_profiles.room_agent.agent import RoomAgent


def room(
    *,
    server: Annotated[str, typer.Option(help=words("simulate_server"))],
    credential_file: Annotated[Path, typer.Option(help=words("room_credential_file"))],
    profile: Annotated[str, typer.Option(help=words("room_profile"))],
    profiles_folder: Annotated[
        Path | None, typer.Option(help=words("room_profiles_folder"))
    ] = None,
    passwords: Annotated[Path | None, typer.Option(help=words("room_passwords"))] = None,
    status_port: Annotated[
        int, typer.Option(min=0, max=65535, help=words("room_status_port"))
    ] = 7889,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
) -> None:
    """Send this room's network cameras into its lessons, by itself."""
    from hardware_profiles.room_agent.agent import RoomAgent  # noqa: PLC0415 - not for --help
    from hardware_profiles.room_agent.passwords import read_passwords  # noqa: PLC0415

    try:
        address = ServerAddress.parse(server, insecure=insecure)
        credential = credential_file.read_text(encoding="utf-8").strip()
    except (ValueError, OSError):
        _fail(
            Text(
                f"无法读取设备凭证 {credential_file}，或 --server 不是 https://主机名 形式的地址。",
                f"The credential {credential_file} cannot be read, or --server is no address "
                "such as https://tongke.example.",
            )
        )
    try:
        agent = RoomAgent(
            address,
            RoomTokens(address, credential),
            load_room_profile(profile, [profiles_folder] if profiles_folder else []),
            read_passwords(passwords) if passwords else {},
            rng=random.Random(),  # noqa: S311 - numbers of streams and pauses
            say=lambda text: typer.echo(text, err=True),
        )
    except ProfileError as error:
        _fail(Text(error.message_zh, error.message_en))
    asyncio.run(_run(agent, status_port))


def alone() -> None:
    """The command `tongke room` without the others: it runs for months on a small machine."""
    app = typer.Typer(name="tongke", cls=SpokenGroup, add_completion=False)
    app.callback()(lambda: None)
    app.command(cls=SpokenCommand, help=words("room"))(room)
    app()


async def _run(agent: RoomAgent, status_port: int) -> None:
    from hardware_profiles.room_agent.status_page import serve_status  # noqa: PLC0415

    working = asyncio.create_task(agent.run(), name="room-agent")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, working.cancel)
    try:
        status = await serve_status(agent, status_port)
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
    status.close()


def _fail(text: Text) -> NoReturn:
    for line in spoken(text, encoding=sys.stderr.encoding):
        typer.echo(f"tongke: {line}", err=True)
    raise typer.Exit(2)
