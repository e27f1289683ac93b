"""`tongke simulate`: rooms full of pupils that are not there.

Owns the command line and its words; `crew` runs the seats.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from server.command_words import words
from server.simulate.behaviour import Habits, Talk
from server.simulate.errors import SimulateError
from server.simulate.settings import Appearance, Receive, SeatSettings
from signaling.client.address import ServerAddress
from signaling.client.token_providers import OneToken, RoomTokens, TokenProvider
from signaling.protocol.messages import Source

# With a credential a room stays for ever; a wrong list of ten thousand would take the machine.
_MOST_SEATS = 500


def simulate(  # noqa: PLR0917 - options of a command, all named
    server: Annotated[str, typer.Option(help=words("simulate_server"))],
    credential: Annotated[list[str] | None, typer.Option(help=words("simulate_credential"))] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(help=words("simulate_credentials_file"))
    ] = None,
    token: Annotated[list[str] | None, typer.Option(help=words("simulate_token"))] = None,
    seats: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_SEATS, help=words("simulate_seats")),
    ] = None,
    video: Annotated[Path | None, typer.Option(help=words("simulate_video"))] = None,
    source: Annotated[list[Source] | None, typer.Option(help=words("simulate_source"))] = None,
    pictures: Annotated[int, typer.Option(min=0, max=4, help=words("simulate_pictures"))] = 1,
    height: Annotated[int, typer.Option(min=90, max=1080, help=words("simulate_height"))] = 360,
    frame_rate: Annotated[
        float, typer.Option(min=1, max=60, help=words("simulate_frame_rate"))
    ] = 15,
    hands: Annotated[bool, typer.Option(help=words("simulate_hands"))] = True,
    talk: Annotated[Talk, typer.Option(help=words("simulate_talk"))] = Talk.TURNS,
    receive: Annotated[Receive, typer.Option(help=words("simulate_receive"))] = Receive.NOTHING,
    watch: Annotated[bool, typer.Option("--watch", help=words("simulate_watch"))] = False,
    identity: Annotated[int, typer.Option(min=0, max=255, help=words("simulate_identity"))] = 1,
    duration: Annotated[float | None, typer.Option(min=1, help=words("simulate_duration"))] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help=words("simulate_insecure"))] = False,
    seed: Annotated[int, typer.Option(help=words("simulate_seed"))] = 0,
    json_line: Annotated[bool, typer.Option("--json", help=words("simulate_json"))] = False,
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", hidden=True, help="Stop when stdin closes.")
    ] = False,
) -> None:
    """Send simulated classrooms into lessons: for demonstrations, tests and load."""
    from server.simulate.crew import Plan, run_crew  # noqa: PLC0415 - codecs, not for --help
    from server.simulate.media_file import check_media_file  # noqa: PLC0415

    console = Console(stderr=True)
    try:
        address = ServerAddress.parse(server, insecure=insecure)
        credentials = [*(credential or []), *_read_credentials(credentials_file)]
        token_providers = _token_providers(address, credentials, token or [], seats)
        if video is not None:
            check_media_file(video)
    except (ValueError, OSError, SimulateError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(2) from None
    settings = [
        SeatSettings(
            appearance=Appearance(
                identity=(identity + number) % 256,
                pictures=pictures,
                sources=tuple(source or ()),
                max_height=height,
                max_frame_rate=frame_rate,
                media_file=video,
            ),
            habits=Habits(hands=hands, talk=talk, turn=number, turns=len(token_providers)),
            receive=Receive.ALL if watch else receive,
        )
        for number in range(len(token_providers))
    ]
    plan = Plan(
        server=address,
        token_providers=token_providers,
        settings=settings,
        duration_s=duration,
        report=watch,
        json_line=json_line,
        parent_pipe=stop_with_parent,
        seed=seed,
    )
    raise typer.Exit(asyncio.run(run_crew(plan, console)))


def _read_credentials(file: Path | None) -> list[str]:
    if file is None:
        return []
    text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    return text.split()


def _token_providers(
    server: ServerAddress, credentials: list[str], tokens: list[str], seats: int | None
) -> list[TokenProvider]:
    """One a device. Raises ValueError when there is none to be had."""
    known = len(credentials) + len(tokens)
    if not known:
        raise ValueError("give --credential or --token, one for each seat")
    count = seats or known
    if count > _MOST_SEATS:
        raise ValueError(f"at most {_MOST_SEATS} seats")
    found: list[TokenProvider] = []
    for number in range(count):
        index = number % known
        if index < len(credentials):
            found.append(RoomTokens(server, credentials[index]))
        else:
            found.append(OneToken(tokens[index - len(credentials)]))
    return found
