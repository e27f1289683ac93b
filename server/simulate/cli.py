"""`tongke simulate`: rooms full of pupils that are not there.

Owns the command line; `seat` owns the seats. Runs until Ctrl-C, until the lesson ends (with join
tokens), or for `--duration` seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from server.simulate.behaviour import Habits, Talk
from server.simulate.entry import Entry, RoomEntry, ServerAddress, TokenEntry
from server.simulate.errors import SimulateError
from server.simulate.media_file import check_media_file
from server.simulate.receiving import Receive
from server.simulate.seat import SeatSettings, SimulatedSeat
from server.simulate.sending import Appearance
from signaling.messages import Source

# With a credential a room stays for ever; a wrong list of ten thousand would take the machine.
_MOST_SEATS = 500
_REPORT_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    server: ServerAddress
    entries: list[Entry]
    settings: list[SeatSettings]
    duration_s: float | None
    report: bool
    json_line: bool
    parent_pipe: bool


def simulate(  # noqa: PLR0917 - options of a command, all named
    server: Annotated[str, typer.Option(help="The server, such as http://127.0.0.1:7880.")],
    credential: Annotated[
        list[str] | None, typer.Option(help="A room's device credential; give one for each room.")
    ] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(help="A file with one credential a line ('-': standard input).")
    ] = None,
    token: Annotated[
        list[str] | None, typer.Option(help="A join token; give one for each seat.")
    ] = None,
    seats: Annotated[
        int | None,
        typer.Option(
            min=1, max=_MOST_SEATS, help="How many devices; more than credentials share them."
        ),
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="A media file in place of the drawn classroom.")
    ] = None,
    source: Annotated[
        list[Source] | None, typer.Option(help="Send these sources (usual: the first camera).")
    ] = None,
    pictures: Annotated[int, typer.Option(min=0, max=4, help="Cameras each seat sends.")] = 1,
    height: Annotated[
        int, typer.Option(min=90, max=1080, help="The tallest picture in pixels.")
    ] = 360,
    frame_rate: Annotated[
        float, typer.Option(min=1, max=60, help="The most pictures a second.")
    ] = 15,
    hands: Annotated[
        bool, typer.Option(help="Raise hands now and then; a simulated lead calls on them.")
    ] = True,
    talk: Annotated[Talk, typer.Option(help="When the seats speak.")] = Talk.TURNS,
    receive: Annotated[
        Receive, typer.Option(help="What they take of the others (decoding is dear).")
    ] = Receive.NOTHING,
    watch: Annotated[
        bool, typer.Option("--watch", help="Receive all, check it, print what came.")
    ] = False,
    identity: Annotated[
        int, typer.Option(min=0, max=255, help="The first seat's number in picture and sound.")
    ] = 1,
    duration: Annotated[
        float | None, typer.Option(min=1, help="Stop after this many seconds.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept a certificate the server made itself.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The seed of everything that is by chance.")] = 0,
    json_line: Annotated[
        bool, typer.Option("--json", help="Print the counts as one last line of JSON.")
    ] = False,
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", hidden=True, help="Stop when stdin closes.")
    ] = False,
) -> None:
    """Send simulated classrooms into lessons: for demonstrations, tests and load."""
    console = Console(stderr=True)
    try:
        address = ServerAddress.parse(server, insecure=insecure)
        credentials = [*(credential or []), *_read_credentials(credentials_file)]
        entries = _entries(address, credentials, token or [], seats)
        if video is not None:
            check_media_file(video)
    except (ValueError, OSError, SimulateError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(2) from None
    settings = [
        SeatSettings(
            appearance=Appearance(
                identity=(identity + place) % 256,
                pictures=pictures,
                sources=tuple(source or ()),
                max_height=height,
                max_frame_rate=frame_rate,
                media_file=video,
            ),
            habits=Habits(hands=hands, talk=talk, place=place, places=len(entries)),
            receive=Receive.ALL if watch else receive,
        )
        for place in range(len(entries))
    ]
    plan = Plan(
        server=address,
        entries=entries,
        settings=settings,
        duration_s=duration,
        report=watch,
        json_line=json_line,
        parent_pipe=stop_with_parent,
    )
    raise typer.Exit(asyncio.run(_run(plan, random.Random(seed), console)))  # noqa: S311 - play


def _read_credentials(file: Path | None) -> list[str]:
    if file is None:
        return []
    text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    return text.split()


def _entries(
    server: ServerAddress, credentials: list[str], tokens: list[str], seats: int | None
) -> list[Entry]:
    """One entry a device. Raises ValueError when there is none to be had."""
    known = len(credentials) + len(tokens)
    if not known:
        raise ValueError("give --credential or --token, one for each seat")
    count = seats or known
    if count > _MOST_SEATS:
        raise ValueError(f"at most {_MOST_SEATS} seats")
    entries: list[Entry] = []
    for place in range(count):
        index = place % known
        if index < len(credentials):
            entries.append(RoomEntry(server, credentials[index]))
        else:
            entries.append(TokenEntry(tokens[index - len(credentials)]))
    return entries


async def _run(plan: Plan, rng: random.Random, console: Console) -> int:
    """All seats to their end; returns the exit code."""
    seats = [
        SimulatedSeat(
            plan.server,
            entry,
            settings,
            rng=random.Random(rng.random()),  # noqa: S311 - play
            say=lambda text: console.print(text, highlight=False, markup=False),
        )
        for entry, settings in zip(plan.entries, plan.settings, strict=True)
    ]
    tasks = [asyncio.create_task(seat.run(), name="seat") for seat in seats]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if plan.parent_pipe:
        _stop_at_end_of(sys.stdin.fileno(), stop)
    reporter = asyncio.create_task(_report(plan, seats, console), name="report")
    stopping = asyncio.create_task(_cancel_after(stop, tasks), name="stop")
    with suppress(TimeoutError):
        async with asyncio.timeout(plan.duration_s):
            await asyncio.wait(tasks)
    for task in (*tasks, reporter, stopping):
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(reporter, stopping, return_exceptions=True)
    if plan.report:
        console.print(_table(seats))
    if plan.json_line:
        print(json.dumps(summary(seats)), flush=True)  # noqa: T201 - the line programs read
    return _exit_code(results, console)


async def _cancel_after(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    await stop.wait()
    for task in tasks:
        task.cancel()


def _exit_code(results: list[BaseException | None], console: Console) -> int:
    code = 0
    for result in results:
        if isinstance(result, SimulateError):
            console.print(f"[red]{result}[/red]", highlight=False)
            code = 1
        elif isinstance(result, Exception):
            raise result
    return code


def _stop_at_end_of(descriptor: int, stop: asyncio.Event) -> None:
    """Whoever started us holds the other end; when it is gone, even killed, so are we."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        data = b""
        with suppress(OSError):
            data = os.read(descriptor, 4096)
        if not data:
            loop.remove_reader(descriptor)
            stop.set()

    loop.add_reader(descriptor, readable)


async def _report(plan: Plan, seats: list[SimulatedSeat], console: Console) -> None:
    while plan.report:
        await asyncio.sleep(_REPORT_EVERY_S)
        console.print(_table(seats))


def _table(seats: list[SimulatedSeat]) -> Table:
    table = Table(title="received")
    for heading in (
        "by",
        "from",
        "source",
        "frames",
        "unreadable",
        "missed",
        "size",
        "age",
        "tones",
    ):
        table.add_column(heading)
    for seat in seats:
        for seen in seat.seen.values():
            age = f"{seen.age_ms:.0f} ms" if seen.age_ms is not None else ""
            table.add_row(
                seat.name,
                seen.seat_id,
                seen.source,
                str(seen.frames),
                str(seen.unreadable),
                str(seen.missed),
                f"{seen.width}×{seen.height}" if seen.width else "",
                age,
                " ".join(map(str, sorted(seen.tones))),
            )
    return table


def summary(seats: list[SimulatedSeat]) -> dict[str, object]:
    """What all seats did and saw, as JSON."""
    return {
        "seats": [
            {
                "seat": seat.seat_id,
                "name": seat.name,
                "identity": seat.settings.appearance.identity,
                "phase": seat.phase.name,
                "joins": seat.joins,
                "received": [seen.summary() for seen in seat.seen.values()],
            }
            for seat in seats
        ]
    }
