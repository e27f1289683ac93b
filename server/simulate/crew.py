"""A crew of simulated seats: started together, reported on, stopped together.

Owns running until Ctrl-C, until the lesson ends (with join tokens), or for so many seconds, and
the tables and JSON about it. `seat` owns each seat's life.
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

from rich.console import Console
from rich.table import Table

from server.simulate.errors import SimulateError
from server.simulate.seat import SimulatedSeat
from server.simulate.settings import SeatSettings
from signaling.client.address import ServerAddress
from signaling.client.errors import ClientError
from signaling.client.token_providers import TokenProvider

_REPORT_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    server: ServerAddress
    token_providers: list[TokenProvider]
    settings: list[SeatSettings]
    duration_s: float | None
    report: bool
    json_line: bool
    parent_pipe: bool
    seed: int


async def run_crew(plan: Plan, console: Console) -> int:
    """All seats to their end; returns the exit code."""
    rng = random.Random(plan.seed)  # noqa: S311 - play
    seats = [
        SimulatedSeat(
            plan.server,
            provider,
            settings,
            rng=random.Random(rng.random()),  # noqa: S311 - play
            say=lambda text: console.print(text, highlight=False, markup=False),
        )
        for provider, settings in zip(plan.token_providers, plan.settings, strict=True)
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
        if isinstance(result, SimulateError | ClientError):
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
