"""`python -m benchmarks.forward`: what forwarding a packet costs, and how long it takes.

A native load client sends and receives as many browsers would (`native/load.h`), in a network of
its own, through a server in its own process. Printed are packets, loss, the server's CPU per
forwarded packet, the added delay, resident memory, and with `--lessons` how many lessons a machine
holds; the last line is JSON for programs. What the figures mean, and what they do not, is told in
`docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import replace

from benchmarks import namespace
from benchmarks.cases import CASES
from benchmarks.processes import machine, wait_for_quiet

try:
    from benchmarks import lessons
    from benchmarks.contenders import AT_THE_LIMIT, LOOPBACK, ON_LOOPBACK, SERVERS
    from benchmarks.kept import keep
    from benchmarks.load_client import PROFILES, SHORT_PROFILES
    from benchmarks.running import Figures, Load, WarmUpError, run_case
    from benchmarks.summary import OURS, as_data, as_json, table
except ImportError as error:
    sys.exit(f"{error}\nThe load client is not built: run `make setup` in a clone of the project.")
from benchmarks.servers import ServerUnavailableError

# More receivers than it can encode for: it would fail its warm-up after half a minute.
TOO_MUCH = {("1-to-30", "aiortc")}
# How long a run waits for the machine to have little else to do.
QUIET_MOST_S = 2.0
FAILURES = (ServerUnavailableError, OSError, RuntimeError, TimeoutError)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--seconds", type=float, default=5.0, help="of measuring per run")
    parser.add_argument("--runs", type=int, default=3, help="per case and server, interleaved")
    parser.add_argument(
        "--profile", choices=[*SHORT_PROFILES, *PROFILES], default="gcm", help="SRTP"
    )
    parser.add_argument(
        "--no-transport-cc",
        action="store_true",
        help="subscribers send no transport-wide feedback",
    )
    parser.add_argument(
        "--paced",
        action="store_true",
        help="a frame's packets a millisecond apart, as they come over a line of 9 Mb/s",
    )
    parser.add_argument(
        "--lessons", nargs="*", choices=SERVERS, help="also how many lessons these servers hold"
    )
    parser.add_argument("--lesson-seconds", type=float, default=3.0, help="per step of the search")
    parser.add_argument(
        "--loopback", action="store_true", help=f"on {LOOPBACK}; {' and '.join(ON_LOOPBACK)} alone"
    )
    parser.add_argument("--keep", metavar="NAME", help="write benchmarks/results/NAME.*")
    return parser.parse_args()


class Bench:
    """One whole run of the benchmark."""

    def __init__(self, chosen: argparse.Namespace, host: str) -> None:
        self._chosen, self._host = chosen, host
        self._load = Load(
            profile=SHORT_PROFILES.get(chosen.profile, chosen.profile),
            transport_cc=not chosen.no_transport_cc,
            paced=chosen.paced,
            seconds=max(1.0, min(chosen.seconds, 300.0)),
        )
        self._runs: dict[str, dict[str, list[Figures]]] = {case: {} for case in chosen.cases}
        self._held: dict[str, int] = {}
        self._lesson_lines: list[str] = []
        self._missing: set[str] = set()
        self.failed = 0

    def told(self) -> list[str]:
        """What was measured, on what, against what."""
        frames = "paced over 9 ms" if self._load.paced else "at once, as Chromium sends them"
        feedback = "on" if self._load.transport_cc else "off"
        names = [name for name in self._chosen.servers if name not in self._missing]
        return [
            f"Machine: {machine()}; load average {os.getloadavg()[0]:.1f} of "
            f"{os.cpu_count()} cores",
            f"Load: {self._load.profile}, each frame's packets {frames}, transport-wide feedback "
            f"{feedback}, {self._load.seconds:g} s × {self._chosen.runs} runs, interleaved",
            "The client drains its sockets on a 1 ms tick, for every server alike; delays are "
            "whole, nothing subtracted",
            *(f"{name}: {SERVERS[name](self._host).description}" for name in names),
        ]

    async def run_cases(self) -> None:
        """Every case on every server, round by round."""
        for number in range(max(1, self._chosen.runs)):
            for case in self._chosen.cases:
                for name in self._chosen.servers:
                    if name not in self._missing and (case, name) not in TOO_MUCH:
                        await self._run(number, case, name)

    async def _run(self, number: int, case: str, name: str) -> None:
        others = await wait_for_quiet(QUIET_MOST_S)
        head = f"run {number + 1}  {case:8}  {name:13}"
        try:
            figures = await run_case(SERVERS[name](self._host), CASES[case], self._load)
        except ServerUnavailableError as error:
            print(f"{head}  left out: {error}", flush=True)
            self._missing.add(name)
            return
        except WarmUpError as error:
            print(f"{head}  does not hold: {error}", flush=True)
            self.failed += name == OURS
            return
        except FAILURES as error:
            print(f"{head}  failed: {error or type(error).__name__}", file=sys.stderr)
            self.failed += 1
            return
        self._runs[case].setdefault(name, []).append(figures)
        print(
            f"{head}  {figures.cpu_us_per_packet:6.2f} µs, p99 {figures.delay_ms_p99:.2f} ms, "
            f"loss {figures.loss:.3%}"
            + (f"  others used {others:.1f} cores before" if others > 1 else "")
            + (f"  client: {figures.client_trouble}" if figures.client_trouble else ""),
            flush=True,
        )

    async def find_limits(self) -> None:
        """How many lessons each of the chosen servers holds."""
        if self._chosen.lessons is None:
            return
        load = replace(self._load, seconds=max(1.0, self._chosen.lesson_seconds))
        for name in self._chosen.lessons or self._chosen.servers:
            if name not in self._missing:
                await wait_for_quiet(QUIET_MOST_S)
                await self._find_limit(name, load)

    async def _find_limit(self, name: str, load: Load) -> None:
        def tell(count: int, figures: Figures, holds: bool) -> None:
            print(
                f"lessons  {name:13}  {count:3}  {'held' if holds else 'no  '}  "
                f"{figures.cpu_us_per_packet:6.2f} µs, p99 {figures.delay_ms_p99:.2f} ms, "
                f"loss {figures.loss:.3%}, RSS {figures.rss_mb:.0f} MB"
                + (
                    f", others {figures.others_cores:.1f} cores" if figures.others_cores > 1 else ""
                ),
                flush=True,
            )

        try:
            held = await lessons.find(AT_THE_LIMIT[name](self._host), load, tell)
        except FAILURES as error:
            print(f"lessons  {name}: {error or type(error).__name__}", file=sys.stderr)
            self.failed += 1
            return
        self._held[name] = held.lessons
        one, most = held.at(1), held.at(held.lessons)
        line = f"Lessons held, {name}: {held.lessons}"
        if one is not None and most is not None and held.lessons > 1:
            line += (
                f" (CPU per packet {one.cpu_us_per_packet:.1f} µs with one, "
                f"{most.cpu_us_per_packet:.1f} µs with {held.lessons}; "
                f"{one.rss_mb:.0f} and {most.rss_mb:.0f} MB)"
            )
        self._lesson_lines.append(line)

    def finish(self) -> None:
        """The table, the files, the last line."""
        measured = {case: servers for case, servers in self._runs.items() if servers}
        for_people = table(measured)
        print(f"\n{for_people}\n")
        print("\n".join(self._lesson_lines))
        if self._chosen.keep:
            page = keep(
                self._chosen.keep,
                told=self.told(),
                table=for_people,
                lessons=self._lesson_lines,
                data=as_data(measured, self._held),
            )
            print(f"Kept: {page}")
        print(as_json(measured, self._held))


async def main(chosen: argparse.Namespace) -> int:
    """Run everything and print; 1 when a run failed."""
    if chosen.loopback:
        chosen.servers = [name for name in chosen.servers if name in ON_LOOPBACK]
    bench = Bench(chosen, LOOPBACK if chosen.loopback else namespace.ADDRESS)
    for line in bench.told():
        print(line)
    await bench.run_cases()
    await bench.find_limits()
    bench.finish()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    options = arguments()
    if not options.loopback:
        namespace.enter("benchmarks.forward")
    sys.exit(asyncio.run(main(options)))
