"""How many lessons one machine holds: 4-seat classrooms are added until packets are lost or late.

A step adds lessons to the running server and measures; a step that fails is tried once more, and
oftener while other processes use the machine. Then the number is halved between the most that held
and the fewest that did not, by letting lessons fall silent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.cases import classroom
from benchmarks.load_client import LoadClient
from benchmarks.processes import QUIET_CORES
from benchmarks.running import Figures, Load, Scene, measure
from benchmarks.servers import Server
from mixer.errors import TransportFailed

# A lesson holds while this much is lost at most, and comes this late.
LOSS_MAX, DELAY_MS_P99_MAX = 0.001, 20.0
SEATS = 4
# One lesson first, as the measure of what one costs; then a quarter of what the machine's CPU would
# carry at that price, then half as many again each time.
FIRST_SHARE, GROWTH = 0.25, 1.5
LESSONS_MAX = 64
# A failure stands when it is seen twice; with neighbours on the machine, oftener.
TRIES, TRIES_AMONG_OTHERS = 2, 4
# A client's thread is busy for about 2 % of its time with one lesson.
LESSONS_PER_CLIENT = 12
# Estimates that begin low have risen by then, and handshakes are over.
SETTLE_S, SETTLE_NEW_S = 1.0, 6.0


@dataclass(frozen=True, slots=True)
class Held:
    """What the search found: the most lessons that held, and figures at one and at that many."""

    lessons: int
    steps: tuple[tuple[int, Figures], ...]

    def at(self, lessons: int) -> Figures | None:
        """The figures of the last measure with so many lessons."""
        return dict(self.steps).get(lessons)


# Told about each step: lessons, figures, whether they held.
Listener = Callable[[int, Figures, bool], None]


def holds(figures: Figures) -> bool:
    """Whether all lessons of this measure were as they should be."""
    return figures.loss <= LOSS_MAX and figures.delay_ms_p99 <= DELAY_MS_P99_MAX


async def find(server: Server, load: Load, tell: Listener, *, most: int = LESSONS_MAX) -> Held:
    """Start the server and search; bounded by `most` lessons and the measure's seconds."""
    await server.start()
    hall = Hall(server, load)
    try:
        return await _search(hall, tell, most)
    finally:
        await hall.close()
        await server.stop()


async def _search(hall: Hall, tell: Listener, most: int) -> Held:
    steps: list[tuple[int, Figures]] = []

    async def try_(lessons: int) -> bool:
        for attempt in range(TRIES_AMONG_OTHERS):
            try:
                figures = await hall.run(lessons)
            except (OSError, RuntimeError, TimeoutError, TransportFailed):
                return False  # the server takes no more lessons
            steps.append((lessons, figures))
            tell(lessons, figures, holds(figures))
            if holds(figures):
                return True
            if attempt + 1 >= TRIES and figures.others_cores < QUIET_CORES:
                return False
        return False

    good, bad, wanted = 0, most + 1, 1
    while wanted < bad and good < most:
        if not await try_(wanted):
            bad = wanted
            break
        following = round(wanted * GROWTH) if good else _first_guess(steps[-1][1])
        good, wanted = wanted, min(most, max(wanted + 1, following))
    while good and bad - good > max(1, good // 8):
        middle = (good + bad) // 2
        if await try_(middle):
            good = middle
        else:
            bad = middle
    return Held(good, tuple(steps))


def _first_guess(one: Figures) -> int:
    cores_for_one = one.cpu_us_per_packet * one.packets_out / one.seconds / 1e6
    return int(FIRST_SHARE * (os.cpu_count() or 1) / max(cores_for_one, 1e-3))


class Hall:
    """Lessons on one server, of which some speak and the others are silent."""

    def __init__(self, server: Server, load: Load) -> None:
        self._server, self._load = server, load
        self._clients: list[LoadClient] = []
        self._scenes: list[Scene] = []

    async def run(self, lessons: int) -> Figures:
        """Measure with exactly so many lessons speaking."""
        settle_s = SETTLE_S if lessons <= len(self._scenes) else SETTLE_NEW_S
        while len(self._scenes) < lessons:
            await self._add()
        for number, scene in enumerate(self._scenes):
            scene.set_sending(number < lessons)
        await asyncio.sleep(settle_s)
        return await measure(self._server, self._scenes[:lessons], self._load.seconds)

    async def close(self) -> None:
        """End all clients."""
        for client in self._clients:
            await client.close()

    async def _add(self) -> None:
        if len(self._scenes) % LESSONS_PER_CLIENT == 0:
            client = LoadClient(profile=self._load.profile)
            self._clients.append(client)
            client.start()
        number = len(self._scenes)
        scene = Scene(self._server, self._clients[-1], classroom(SEATS), self._load, seed=number)
        await scene.build()
        self._scenes.append(scene)
