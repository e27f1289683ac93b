"""A crew of simulated seats: started together, reported on, stopped together.

Owns running until it is to stop, until the lesson ends (with join tokens), or for so many seconds,
and the JSON about it. `seat` owns each seat's life, `tables` what people read of all.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console

from server.errors import Text
from server.simulate.errors import SimulateError
from server.simulate.seat import SimulatedSeat
from server.simulate.settings import SeatSettings
from server.simulate.tables import what_was_carried, what_was_seen
from server.spoken import spoken
from signaling.client.address import ServerAddress
from signaling.client.errors import ClientError
from signaling.client.sentences import Sentence
from signaling.client.token_providers import TokenProvider

_MEASURE_EVERY_S = 1.0  # a line that is lost within it is not in the report
_REPORT_EVERY = 10  # measurements


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
    quiet: bool = False  # no table of the seats


async def run_crew(plan: Plan, console: Console, stop: asyncio.Event) -> int:
    """All seats to their end, or until `stop`; returns the exit code: 1 where anything failed."""
    rng = random.Random(plan.seed)  # noqa: S311 - play

    def say(said: Sentence) -> None:
        for line in spoken(Text(*said), encoding=console.encoding):
            console.print(line, highlight=False, markup=False)

    seats = [
        SimulatedSeat(
            plan.server,
            provider,
            settings,
            rng=random.Random(rng.random()),  # noqa: S311 - play
            say=say,
        )
        for provider, settings in zip(plan.token_providers, plan.settings, strict=True)
    ]
    tasks = [asyncio.create_task(seat.run(), name="seat") for seat in seats]
    if plan.parent_pipe:
        _stop_at_end_of(sys.stdin.fileno(), stop)
    reporter = asyncio.create_task(_report(plan, seats, console), name="report")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    ending = asyncio.create_task(_ended(tasks), name="ended")
    await asyncio.wait(
        (stopping, ending), timeout=plan.duration_s, return_when=asyncio.FIRST_COMPLETED
    )
    # What they have come to is read while their connections stand.
    reporter.cancel()
    await asyncio.gather(reporter, return_exceptions=True)
    await _measure(seats)
    for task in (*tasks, stopping, ending):
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(stopping, ending, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, SimulateError | ClientError):
            raise result
    told = [faults_of(seat, result) for seat, result in zip(seats, results, strict=True)]
    if plan.report:
        console.print(what_was_seen(seats, encoding=console.encoding))
    if not plan.quiet:
        console.print(what_was_carried(seats, encoding=console.encoding))
    for seat, faults in zip(seats, told, strict=True):
        for fault in faults:
            for line in spoken(fault, encoding=console.encoding):
                console.print(f"{seat.name}: {line}", style="red", highlight=False, markup=False)
    if plan.json_line:
        print(json.dumps(summary(seats, told)), flush=True)  # noqa: T201 - the line programs read
    return 1 if any(told) else 0


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks)


async def _measure(seats: list[SimulatedSeat]) -> None:
    for seat in seats:
        await seat.measure()


def faults_of(seat: SimulatedSeat, result: BaseException | None) -> list[Text]:
    """What went wrong for this seat, whose life ended with `result`."""
    refused: list[Text] = []
    if isinstance(result, SimulateError):
        refused = [result.text]
    elif isinstance(result, ClientError):
        refused = [Text(*result.said)]
    return [*refused, *seat.faults()]


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
    """Connections that are lost are read before they are forgotten; with `report` it is shown."""
    seconds = 0
    while True:
        await asyncio.sleep(_MEASURE_EVERY_S)
        await _measure(seats)
        seconds += 1
        if plan.report and seconds % _REPORT_EVERY == 0:
            console.print(what_was_seen(seats, encoding=console.encoding))


def summary(seats: list[SimulatedSeat], told: list[list[Text]]) -> dict[str, object]:
    """What all seats did and saw, as JSON; `failed` counts the seats for which anything did."""
    return {
        "failed": sum(map(bool, told)),
        "seats": [
            {
                "seat": seat.seat_id,
                "name": seat.name,
                "identity": seat.settings.appearance.identity,
                "joins": seat.joins,
                "failed": [fault.en for fault in faults],
                **seat.figures.total.as_json(),
                "received": [seen.summary() for seen in seat.seen.values()],
            }
            for seat, faults in zip(seats, told, strict=True)
        ],
    }
