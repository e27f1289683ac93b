"""`python -m benchmarks.forward`: what forwarding a packet costs, and how long it takes.

A native load client sends and receives as many browsers would (`native/load.h`), in a network of
its own, through a server in its own process. Printed are packets, loss, the server's CPU per
forwarded packet, the added delay, resident memory, with `--lessons` how many lessons a machine
holds, and what of all that was asked; the last line is JSON for programs. What the figures mean,
and what they do not, is told in `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from benchmarks import ending, namespace
from benchmarks.cases import CASES

try:
    from benchmarks import growth, summary
    from benchmarks.bench import FEWER_RUNS, Bench, Plan
    from benchmarks.contenders import AT_THE_LIMIT, LOOPBACK, ON_LOOPBACK, SERVERS
    from benchmarks.kept import keep
    from benchmarks.load_client import PROFILES, SHORT_PROFILES
    from benchmarks.running import Load
except ImportError as error:
    sys.exit(f"{error}\nThe load client is not built: run `make setup` in a clone of the project.")
from benchmarks.measures import measures
from benchmarks.processes import allow_open_files, machine, software


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--seconds", type=float, default=3.0, help="of measuring per run")
    parser.add_argument("--runs", type=int, default=5, help="per case and server, interleaved")
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="in all; what does not fit is left out"
    )
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
        "--lessons", nargs="+", choices=SERVERS, default=[], help="also how many these hold"
    )
    parser.add_argument("--lesson-seconds", type=float, default=3.0, help="per step of the search")
    parser.add_argument(
        "--loopback", action="store_true", help=f"on {LOOPBACK}; {' and '.join(ON_LOOPBACK)} alone"
    )
    parser.add_argument("--keep", metavar="NAME", help="write benchmarks/results/NAME.*")
    return parser.parse_args()


def plan(chosen: argparse.Namespace) -> Plan:
    """The command line as a plan, within bounds."""
    servers, lessons = chosen.servers, chosen.lessons
    if chosen.loopback:
        servers = [name for name in servers if name in ON_LOOPBACK]
        lessons = [name for name in lessons if name in ON_LOOPBACK]
    return Plan(
        host=LOOPBACK if chosen.loopback else namespace.ADDRESS,
        cases=chosen.cases,
        servers=servers,
        runs=max(1, min(chosen.runs, 100)),
        load=Load(
            profile=SHORT_PROFILES.get(chosen.profile, chosen.profile),
            transport_cc=not chosen.no_transport_cc,
            paced=chosen.paced,
            seconds=max(1.0, min(chosen.seconds, 300.0)),
        ),
        lessons=lessons,
        lesson_seconds=max(1.0, min(chosen.lesson_seconds, 60.0)),
        minutes=max(0.0, min(chosen.minutes, 24 * 60.0)),
    )


def told(planned: Plan) -> list[str]:
    """What is measured, on what, against what."""
    frames = "paced over 9 ms" if planned.load.paced else "at once, as Chromium sends them"
    runs = f"{planned.runs} runs{_fewer(planned)}"
    feedback = "on" if planned.load.transport_cc else "off"
    return [
        f"Machine: {machine()}",
        f"Software: {software()}",
        f"Load: {planned.load.profile}, each frame's packets {frames}, transport-wide feedback "
        f"{feedback}; {planned.load.seconds:g} s × {runs}, interleaved",
        "The client drains its sockets on a 1 ms tick, for every server alike; delays are "
        "whole, nothing subtracted",
    ]


def _fewer(planned: Plan) -> str:
    """Who is run less often than the others, in brackets."""
    fewer = [
        f"{runs} of {name}"
        for name, runs in FEWER_RUNS.items()
        if name in planned.servers and runs < planned.runs
    ]
    return f" ({', '.join(fewer)})" if fewer else ""


def servers_told(planned: Plan, missing: set[str]) -> list[str]:
    """Each server's version, and what of it is set."""
    lines = []
    for name in dict.fromkeys([*planned.servers, *planned.lessons]):
        if name in missing:
            continue
        text = SERVERS[name](planned.host).description
        at_the_limit = AT_THE_LIMIT[name](planned.host).description
        if name in planned.lessons and at_the_limit != text:
            text += f"; for lessons held: {at_the_limit}"
        lines.append(f"{name}: {text}")
    return lines


def show(planned: Plan, bench: Bench, head: list[str], keep_as: str | None) -> None:
    """Tables for people, the files, and the last line for programs."""
    runs = {case: servers for case, servers in bench.runs.items() if servers}
    data = summary.as_data(runs, bench.held)
    circumstances = [
        f"Load average at the end: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores, the "
        "benchmark's own work included",
        bench.neighbours(),
    ]
    tables = {"": summary.table(runs)} if runs else {}
    if bench.held:
        circumstances.append(bench.client_priority())
        tables["Lessons held"] = "\n".join(
            [summary.growth_table(bench.held), "", *growth.held_in_words(bench.held)]
        )
    judged = measures(data)
    if judged:
        tables["What was asked"] = summary.measures_table(judged)
    for title, text in tables.items():
        print(f"\n{title}\n\n{text}" if title else f"\n{text}")
    print("", *circumstances, sep="\n")
    if keep_as is not None:
        lines = [*head, *servers_told(planned, bench.missing), *circumstances, *bench.notes]
        kept_data = summary.as_data(runs, bench.held, raw=True)
        page = keep(keep_as, told=lines, tables=tables, judged=judged, data=kept_data)
        print(f"Kept: {page}")


async def main(chosen: argparse.Namespace) -> int:
    """Run everything and print; 1 when a run failed."""
    allow_open_files()
    planned = plan(chosen)
    bench, head = Bench(planned), told(planned)
    head[0] += f"; load average before {os.getloadavg()[0]:.1f}"
    print("\n".join([*head, *servers_told(planned, set())]), flush=True)
    try:
        await bench.run_cases()
        await bench.find_limits()
    except asyncio.CancelledError:
        show(planned, bench, head, None)
        raise
    show(planned, bench, head, chosen.keep)
    print(summary.as_json({case: found for case, found in bench.runs.items() if found}, bench.held))
    return 1 if bench.failed else 0


if __name__ == "__main__":
    options = arguments()
    if not options.loopback:
        namespace.enter("benchmarks.forward")
    sys.exit(ending.run(main(options)))
