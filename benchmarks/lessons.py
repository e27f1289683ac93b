"""How many lessons one machine holds: 4-seat classrooms are added until packets are lost or late.

Owns the lessons on a server and what is measured of each step; the order of steps is
`limit_search`'s, what is made of them `growth`'s. Everything here ends: a search has its time, and
says so when that was what ended it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.cases import classroom
from benchmarks.limit_search import LimitSearch
from benchmarks.load_client import LoadClient
from benchmarks.running import FAILURES, Figures, Load, Scene, measure, together
from benchmarks.servers import Server

# A lesson holds while this much is lost at most, and comes this late.
LOSS_MAX, DELAY_MS_P99_MAX = 0.001, 20.0
SEATS = 4
LESSONS_MAX = 256
LIMIT_S = 240.0
# A client's thread is busy for about 2 % of its time with one lesson.
LESSONS_PER_CLIENT = 12
# So many whole lessons come in at once, 32 handshakes: ten lessons a second, and no server under
# test refuses them.
LESSONS_AT_ONCE = 8
# Before a step is measured, everything has to arrive for two seconds in a row. Estimates that begin
# low rise within seconds; a step that is still not whole after ten will not be, nor one of which no
# more arrives for four seconds than before. Lessons that are new get a moment more: their first
# second is before any estimate.
SETTLE_STEP_S, ARRIVES_S = 1.0, 0.2
SETTLE_GOOD_STEPS, SETTLE_STILL_STEPS, SETTLE_MOST_STEPS = 2, 4, 9
SETTLE_NEW_S = 2.0
# The client is what fails when so many of its ticks come late: its own bursts then are its doing.
LATE_TICKS_MAX = 0.01
# Its ticks are long before they are late: this much of its cores and it is what delays.
CLIENT_CORES_SHARE_MAX = 0.9
TICKS_PER_S = 1000
# So many cores that others use are missing to the server: what it then holds is not its limit.
OTHERS_CORES_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """One measure: so many lessons, their figures (None: the server took no more), the verdict."""

    lessons: int
    figures: Figures | None
    held: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What the search found. With `at_least` (the reason) the server may hold more."""

    lessons: int
    steps: tuple[Step, ...]
    at_least: str = ""
    real_time: bool = False  # the load client came before the server wherever both wanted a core

    @property
    def failing(self) -> Step | None:
        """The last try of the fewest lessons that did not hold; None when all held."""
        failing = [step for step in self.steps if not step.held and step.lessons > self.lessons]
        return min(reversed(failing), key=lambda step: step.lessons, default=None)


# Told about each step.
Listener = Callable[[Step], None]


def holds(figures: Figures) -> bool:
    """Whether all lessons of this measure were as they should be."""
    return figures.loss <= LOSS_MAX and figures.delay_ms_p99 <= DELAY_MS_P99_MAX


def client_failed(figures: Figures, client_cores: float) -> bool:
    """Whether the load client, with so many cores to run on, lost packets or time itself."""
    trouble = figures.client_trouble
    ticks = TICKS_PER_S * figures.seconds * figures.client_threads
    late = trouble.get("late_ticks", 0) / max(1.0, ticks)
    own = trouble.get("kernel_drops", 0) + trouble.get("send_failed", 0)
    full = figures.client_cores > CLIENT_CORES_SHARE_MAX * client_cores
    return bool(own) or late > LATE_TICKS_MAX or full


def likely_limit(lessons: int, figures: Figures, cores: int) -> int:
    """How many lessons the cores are enough for if every further one costs what these do."""
    used = figures.server_cores + figures.client_cores
    free = max(used, cores - figures.others_cores)
    return int(lessons * free / max(used, 1e-9))


def is_settling(shares: Sequence[float]) -> bool:
    """Whether to wait on, by what share of the packets arrived in each second so far."""
    if len(shares) >= SETTLE_MOST_STEPS:
        return False
    if len(shares) >= SETTLE_GOOD_STEPS and min(shares[-SETTLE_GOOD_STEPS:]) >= 1 - LOSS_MAX:
        return False
    before, lately = shares[:-SETTLE_STILL_STEPS], shares[-SETTLE_STILL_STEPS:]
    # A second that is whole is no standstill: the next may be, too.
    return not before or max(lately) > max(before) or lately[-1] >= 1 - LOSS_MAX


async def find(
    make: Callable[[], Server],
    load: Load,
    tell: Listener,
    *,
    most: int = LESSONS_MAX,
    limit_s: float = LIMIT_S,
) -> Held:
    """Start the server and search. Raises `ServerError` when it does not even start."""
    search, steps = LimitSearch(most), list[Step]()
    hall = Hall(make, load)
    bound = asyncio.timeout(limit_s)
    try:
        async with bound:
            await hall.open()
            while (wanted := search.wanted) is not None:
                step = await hall.run(wanted)
                steps.append(step)
                tell(step)
                search.handle(step.held, likely=_likely(step))
                if not (step.held and hall.running) and search.wanted is not None:
                    # A server that got more than it could take may queue it and be late for
                    # minutes (Janus keeps a gigabyte): the next try is on a fresh one.
                    await hall.close()
                    await hall.open()
    except TimeoutError:
        if not bound.expired():
            raise
    finally:
        await hall.close()
    # With right of way the client runs on half of the cores (`native/load.c`).
    client_cores = (os.cpu_count() or 1) / (2 if hall.real_time else 1)
    why = at_least(search, steps, limit_s, client_cores)
    return Held(search.held, tuple(steps), why, hall.real_time)


def _likely(step: Step) -> int | None:
    if step.figures is None:
        return None
    return likely_limit(step.lessons, step.figures, os.cpu_count() or 1)


def at_least(
    search: LimitSearch, steps: Sequence[Step], limit_s: float, client_cores: float
) -> str:
    """Why what held is not known to be the server's limit; empty when it is."""
    if search.wanted is not None:
        return f"the search's {limit_s:.0f} s were over"
    if search.failed > search.most:
        return "no more were tried"
    failing = [step.figures for step in steps if step.lessons == search.failed and not step.held]
    measured = [figures for figures in failing if figures is not None]
    if not measured or len(measured) < len(failing):
        return ""
    others = min(figures.others_cores for figures in measured)
    if others > OTHERS_CORES_MAX:
        return f"where it failed others used {others:.1f} cores"
    if all(client_failed(figures, client_cores) for figures in measured):
        return "where it failed the load client itself was at its limit"
    return ""


class Hall:
    """Lessons on one server, of which some speak and the others are silent."""

    def __init__(self, make: Callable[[], Server], load: Load) -> None:
        self._make, self._load = make, load
        self._server: Server | None = None
        self._clients: list[LoadClient] = []
        self._scenes: list[Scene] = []
        self.real_time = True

    @property
    def running(self) -> bool:
        """Whether the server is there."""
        return self._server is not None and self._server.running

    async def open(self) -> None:
        """Start a server of its own."""
        self._server = self._make()
        await self._server.start()

    async def run(self, lessons: int) -> Step:
        """Measure with exactly so many lessons speaking."""
        assert self._server is not None
        try:
            has_new = lessons > len(self._scenes)
            await self._grow(self._server, lessons)
            for number, scene in enumerate(self._scenes):
                scene.set_sending(number < lessons)
            await asyncio.sleep(SETTLE_NEW_S if has_new else 0)
            speaking = self._scenes[:lessons]
            await self._settle(speaking)
            figures = await measure(self._server, speaking, self._load.seconds)
        except FAILURES as error:
            return Step(lessons, None, held=False, why_not=str(error) or type(error).__name__)
        return Step(lessons, figures, holds(figures))

    async def close(self) -> None:
        """End all clients and the server."""
        clients, self._clients, self._scenes = self._clients, [], []
        try:
            await asyncio.gather(*(client.close() for client in clients))
        finally:
            server, self._server = self._server, None
            if server is not None:
                await server.stop()

    async def _settle(self, speaking: Sequence[Scene]) -> None:
        loads = list(dict.fromkeys(scene.load for scene in speaking))
        shares: list[float] = []
        while is_settling(shares):
            for load in loads:
                load.begin_window()
            await asyncio.sleep(SETTLE_STEP_S)
            for load in loads:
                load.end_window()
            await asyncio.sleep(ARRIVES_S)
            expected = sum(scene.expected_out() for scene in speaking)
            arrived = sum(scene.packets_out() for scene in speaking)
            shares.append(arrived / max(1, expected))

    async def _grow(self, server: Server, lessons: int) -> None:
        """Join everybody while nobody speaks: how fast seats join under load is not asked here."""
        if len(self._scenes) >= lessons:
            return
        for scene in self._scenes:
            scene.set_sending(False)
        while (missing := lessons - len(self._scenes)) > 0:
            first = len(self._scenes)
            numbers = range(first, first + min(missing, LESSONS_AT_ONCE))
            fresh = [
                Scene(server, self._client(n), classroom(SEATS), self._load, seed=n)
                for n in numbers
            ]
            await together(scene.build(silent=True) for scene in fresh)
            self._scenes += fresh

    def _client(self, lesson: int) -> LoadClient:
        """The one that this lesson's seats are of."""
        at = lesson // LESSONS_PER_CLIENT
        if at == len(self._clients):
            client = LoadClient(profile=self._load.profile)
            self._clients.append(client)
            client.start(real_time=True)
            self.real_time = self.real_time and client.real_time
        return self._clients[at]
