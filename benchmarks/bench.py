"""One whole run of the benchmark: cases and servers in turn, then the search for each limit.

Owns the order, the time it may take, what is left out and why. Leaves one run to `running`, one
search to `lessons`, tables and files to `summary` and `kept`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from benchmarks import ending, lessons
from benchmarks.cases import CASES
from benchmarks.contenders import AT_THE_LIMIT, SERVERS
from benchmarks.measures import OURS
from benchmarks.processes import wait_for_quiet
from benchmarks.running import (
    BEFORE_AND_AFTER_S,
    FAILURES,
    Figures,
    Load,
    WarmUpError,
    run_case,
)
from benchmarks.servers import ServerUnavailableError

# More receivers than it can encode for: it would fail its warm-up after half a minute.
TOO_MUCH = {("1-to-30", "aiortc"): "aiortc encodes for every receiver: not asked for 30"}
# A hundred times dearer than the others: what it costs needs no finer median.
FEWER_RUNS = {"aiortc": 2}
# How long a run waits for the machine to have little else to do.
QUIET_MOST_S = 2.0
# Others that use more than this of the machine while a run counts are named.
DISTURBED_CORES = 0.5
# A search needs a minute to double up to a small server's limit, two and a half to the end.
SEARCH_LEAST_S, SEARCH_KEPT_S = 60.0, 160.0
# Beside the bounds that every wait has: when even these do not end it, the program ends.
LAST_RESORT_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, where, and how long it may take."""

    host: str
    cases: Sequence[str]
    servers: Sequence[str]
    runs: int
    load: Load
    lessons: Sequence[str]
    lesson_seconds: float
    minutes: float


class Bench:
    """`run_cases`, `find_limits`; `runs`, `held` and `notes` may be read at any time."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ends_at = time.monotonic() + 60 * plan.minutes
        self._left_out: set[tuple[str, str]] = set()
        self.missing: set[str] = set()
        self.runs: dict[str, dict[str, list[Figures]]] = {case: {} for case in plan.cases}
        self.held: dict[str, lessons.Held] = {}
        self.notes: list[str] = []
        self.failed = 0

    async def run_cases(self) -> None:
        """Every case on every server, round by round, as many rounds as fit."""
        for number in range(self._plan.runs):
            began = time.monotonic()
            for case in self._plan.cases:
                for name in self._plan.servers:
                    await self._run(number, case, name)
            round_s, left_s = time.monotonic() - began, self._left_s()
            searches_s = SEARCH_KEPT_S * len(self._plan.lessons)
            if number + 1 < self._plan.runs and left_s < round_s + searches_s:
                self._note(
                    f"{number + 1} of {self._plan.runs} rounds: one takes {round_s:.0f} s, and of "
                    f"the {self._plan.minutes:g} minutes {left_s:.0f} s are left"
                )
                return

    async def _run(self, number: int, case: str, name: str) -> None:
        if name in self.missing or (case, name) in self._left_out:
            return
        if number >= FEWER_RUNS.get(name, self._plan.runs):
            return
        if (case, name) in TOO_MUCH:
            self._leave_out(case, name, TOO_MUCH[case, name])
            return
        ending.expect_within(self._plan.load.seconds + BEFORE_AND_AFTER_S + LAST_RESORT_S)
        await wait_for_quiet(QUIET_MOST_S)
        head = f"run {number + 1}  {case:8}  {name:13}"
        try:
            server, load = SERVERS[name](self._plan.host), self._plan.load
            figures = await run_case(server, CASES[case], load, seed=number)
        except ServerUnavailableError as error:
            self.missing.add(name)
            self._note(f"{name} left out: {error}")
            return
        except WarmUpError as error:
            self._leave_out(case, name, f"does not hold: {error}")
            self.failed += name == OURS
            return
        except FAILURES as error:
            self._note(
                f"{case}, {name}, run {number + 1} failed: {str(error) or type(error).__name__}"
            )
            self.failed += 1
            return
        self.runs[case].setdefault(name, []).append(figures)
        print(
            f"{head}  {figures.cpu_us_per_packet:6.2f} µs, p99 {figures.delay_ms_p99:.2f} ms, "
            f"loss {figures.loss:.3%}{_circumstances(figures)}",
            flush=True,
        )

    async def find_limits(self) -> None:
        """How many lessons each of the chosen servers holds; what does not fit is left out."""
        names = [name for name in self._plan.lessons if name not in self.missing]
        for at, name in enumerate(names):
            limit_s = search_time_s(self._left_s(), len(names) - at)
            if not limit_s:
                self._note(f"lessons held, {name}: left out, {self._left_s():.0f} s were left")
                continue
            ending.expect_within(limit_s + BEFORE_AND_AFTER_S + LAST_RESORT_S)
            await wait_for_quiet(QUIET_MOST_S)
            await self._find_limit(name, limit_s)

    async def _find_limit(self, name: str, limit_s: float) -> None:
        def tell(step: lessons.Step) -> None:
            print(f"lessons  {name:13}  {_step_in_words(step)}", flush=True)

        load = replace(self._plan.load, seconds=self._plan.lesson_seconds)
        try:
            found = await lessons.find(
                lambda: AT_THE_LIMIT[name](self._plan.host), load, tell, limit_s=limit_s
            )
        except ServerUnavailableError as error:
            self.missing.add(name)
            self._note(f"lessons held, {name}: left out: {error}")
        except FAILURES as error:
            self._note(f"lessons held, {name}: failed: {str(error) or type(error).__name__}")
            self.failed += 1
        else:
            self.held[name] = found

    def neighbours(self) -> str:
        """One line: whether other work on the machine disturbed what was measured."""
        used = [
            run.others_cores
            for servers in self.runs.values()
            for runs in servers.values()
            for run in runs
        ]
        used += [
            step.figures.others_cores
            for held in self.held.values()
            for step in held.steps
            if step.figures is not None
        ]
        if not used:
            return "Neighbours: nothing was measured"
        disturbed = sum(cores > DISTURBED_CORES for cores in used)
        return (
            f"Neighbours: while measuring, other work used {median(used):.1f} cores in the median "
            f"and {max(used):.1f} at most; "
            + (
                f"{disturbed} of {len(used)} measurements were disturbed (more than "
                f"{DISTURBED_CORES:g} cores)"
                if disturbed
                else "none was disturbed"
            )
        )

    def client_priority(self) -> str:
        """One line: whether the load client had to wait for the servers whose limit was sought."""
        if all(one.real_time for one in self.held.values()):
            return "For lessons held the load client's threads had real-time priority"
        return (
            "For lessons held the load client shared the cores with the servers as an ordinary "
            "program: real-time priority is root's (or RLIMIT_RTPRIO's)"
        )

    def _left_s(self) -> float:
        return max(0.0, self._ends_at - time.monotonic())

    def _leave_out(self, case: str, name: str, why: str) -> None:
        self._left_out.add((case, name))
        self._note(f"{case}, {name}: {why}")

    def _note(self, note: str) -> None:
        self.notes.append(note)
        print(note, file=sys.stderr, flush=True)


def search_time_s(left_s: float, searches: int) -> float:
    """How long the next of so many searches may take; 0 when what is left is too little for it.

    Who is named first comes first: the time is shared only while everybody's share is enough.
    """
    if left_s < SEARCH_LEAST_S:
        return 0.0
    return min(lessons.LIMIT_S, max(SEARCH_LEAST_S, left_s / searches))


def _step_in_words(step: lessons.Step) -> str:
    if step.figures is None:
        return f"{step.lessons:3}  no    {step.why_not}"
    figures = step.figures
    server = figures.server_cores
    return (
        f"{step.lessons:3}  {'held' if step.held else 'no  '}  "
        f"{1e3 * server / step.lessons:5.1f} ms/s per lesson ({server:.2f} cores, client "
        f"{figures.client_cores:.2f}), p99 {figures.delay_ms_p99:.2f} ms, loss {figures.loss:.3%}, "
        f"RSS {figures.rss_mb:.0f} MB{_circumstances(figures)}"
    )


def _circumstances(figures: Figures) -> str:
    """What else was going on, if it matters."""
    text = ""
    if figures.others_cores > DISTURBED_CORES:
        text += f"  others used {figures.others_cores:.1f} cores"
    if figures.client_trouble:
        text += f"  client: {figures.client_trouble}"
    return text
