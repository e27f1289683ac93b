"""`python -m benchmarks.forward`: what forwarding a packet costs, and how long it takes.

A native load client sends and receives as many browsers would (`native/load.h`), over loopback,
through a server in its own process. Printed are packets, loss, the server's CPU per forwarded
packet, the added delay, resident memory; the last line is JSON for programs. What the figures
mean, and what they do not, is told in `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable

from benchmarks.cases import CASES
from benchmarks.processes import machine

try:
    from benchmarks.load_client import PROFILES
    from benchmarks.results import as_json, table
    from benchmarks.running import Figures, Load, WarmUpError, run_case
except ImportError as error:
    sys.exit(f"{error}\nThe load client is not built: run `make setup` in a clone of the project.")
from benchmarks.servers import Server, ServerUnavailableError
from benchmarks.servers.tongke import Tongke

SERVERS: dict[str, Callable[[], Server]] = {"tongke": Tongke}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--seconds", type=float, default=8.0, help="of measuring per run")
    parser.add_argument("--runs", type=int, default=3, help="per case and server, interleaved")
    parser.add_argument("--profile", choices=PROFILES, default="aes-256-gcm", help="SRTP")
    parser.add_argument(
        "--no-transport-cc",
        action="store_true",
        help="subscribers send no transport-wide feedback",
    )
    parser.add_argument("--burst", action="store_true", help="send each frame's packets at once")
    return parser.parse_args()


def _told(load: Load) -> str:
    frames = "paced" if load.paced else "in bursts"
    feedback = "on" if load.transport_cc else "off"
    return f"{load.profile}, frames {frames}, transport-wide feedback {feedback}"


async def main() -> int:
    """Run everything, interleaved, and print; 1 when a run failed."""
    chosen = arguments()
    load = Load(
        profile=chosen.profile,
        transport_cc=not chosen.no_transport_cc,
        paced=not chosen.burst,
        seconds=max(1.0, min(chosen.seconds, 300.0)),
    )
    print(f"Machine: {machine()}")
    print(f"Load: {_told(load)}, {load.seconds:g} s × {chosen.runs} runs.")
    print("The client drains its sockets on a 1 ms tick; delays are whole, nothing subtracted.")
    for name in chosen.servers:
        print(f"Server: {SERVERS[name]().description}")
    runs: dict[str, dict[str, list[Figures]]] = {case: {} for case in chosen.cases}
    failed = 0
    for number in range(max(1, chosen.runs)):
        for case in chosen.cases:
            for name in chosen.servers:
                try:
                    figures = await run_case(SERVERS[name](), CASES[case], load)
                except (ServerUnavailableError, WarmUpError, OSError, RuntimeError) as error:
                    print(f"run {number + 1}, {case}, {name}: {error}", file=sys.stderr)
                    failed += 1
                    continue
                runs[case].setdefault(name, []).append(figures)
                print(
                    f"run {number + 1}  {case:8}  {name:8}  {figures.cpu_us_per_packet:6.2f} µs, "
                    f"p99 {figures.delay_ms_p99:.2f} ms, loss {figures.loss:.3%}"
                    + (f"  client: {figures.client_trouble}" if figures.client_trouble else "")
                )
    measured = {case: servers for case, servers in runs.items() if servers}
    print()
    print(table(measured))
    print(as_json(measured))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
