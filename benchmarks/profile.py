"""`python -m benchmarks.profile`: where a server's CPU goes, thread by thread, beside the floor's.

One case is run once on each chosen server. Printed per thread: CPU time and wake-ups a second, and
what that comes to per forwarded packet. With `--spy`, py-spy (`pip install py-spy`) then samples
Tongke's process in a window of its own, so that its pauses are in no figure.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks import ending, namespace
from benchmarks.cases import CASES

try:
    from benchmarks.contenders import LOOPBACK, ON_LOOPBACK, SERVERS
    from benchmarks.load_client import SHORT_PROFILES, LoadClient
    from benchmarks.running import (
        BEFORE_AND_AFTER_S,
        FAILURES,
        SETTLE_S,
        Figures,
        Load,
        Scene,
        WarmUpError,
        measure,
    )
except ImportError as error:
    sys.exit(f"{error}\nThe load client is not built: run `make setup` in a clone of the project.")
from benchmarks.servers import Server
from benchmarks.threads import ThreadRate, rates, threads_of

SPY_RATE_HZ = 500
SPY_LINES = 25
WAITING = "EpollSelector.select"
# py-spy has to find its way into the process and to write its file.
SPY_EXTRA_S = 20.0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--case", choices=CASES, default="4-seats")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=["tongke", "floor"])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--profile", choices=SHORT_PROFILES, default="gcm", help="SRTP")
    parser.add_argument("--paced", action="store_true", help="as of `benchmarks.forward`")
    parser.add_argument("--no-transport-cc", action="store_true")
    parser.add_argument("--spy", action="store_true", help="sample Tongke's Python by py-spy")
    parser.add_argument("--loopback", action="store_true", help=f"on {LOOPBACK}, as any user")
    return parser.parse_args()


async def profile(server: Server, case: str, load: Load, *, spy: bool) -> None:
    """Run the case on this server and print its threads. Raises what `run_case` raises."""
    client = LoadClient(profile=load.profile)
    try:
        await server.start()
        client.start()
        scene = Scene(server, client, CASES[case], load)
        await scene.build()
        await scene.warm_up(least_s=SETTLE_S)
        before, began = threads_of(server.pids), time.monotonic()
        figures = await measure(server, [scene], load.seconds)
        seconds = time.monotonic() - began
        print(table(server.name, rates(before, threads_of(server.pids), seconds), figures))
        if spy:
            print(await spied(server.pids[0], load.seconds))
    finally:
        try:
            await client.close()
        finally:
            await server.stop()


def table(name: str, rows: list[ThreadRate], figures: Figures) -> str:
    """One line a thread, and their sum."""
    packets_per_s = figures.packets_out / figures.seconds
    lines = [
        f"\n{name}: {packets_per_s:.0f} packets/s out, {figures.cpu_us_per_packet:.2f} µs each, "
        f"delay p50 {figures.delay_ms_p50:.2f} p99 {figures.delay_ms_p99:.2f} ms, "
        f"loss {figures.loss:.3%}, others used {figures.others_cores:.1f} cores",
        f"  {'thread':16}{'CPU ms/s':>10}{'µs/packet':>11}{'system':>8}{'wake-ups/s':>12}"
        f"{'preempted/s':>13}",
    ]
    for row in rows:
        if row.cpu_ms_per_s < 0.01 and row.wakeups_per_s < 1:
            continue
        lines.append(
            f"  {row.name:16}{row.cpu_ms_per_s:10.2f}"
            f"{1e3 * row.cpu_ms_per_s / max(packets_per_s, 1):11.2f}{row.system_share:8.0%}"
            f"{row.wakeups_per_s:12.0f}{row.preempted_per_s:13.0f}"
        )
    total = sum(row.cpu_ms_per_s for row in rows)
    wakeups = sum(row.wakeups_per_s for row in rows)
    lines.append(
        f"  {'all':16}{total:10.2f}{1e3 * total / max(packets_per_s, 1):11.2f}{'':8}{wakeups:12.0f}"
    )
    return "\n".join(lines)


async def spied(pid: int, seconds: float) -> str:
    """What py-spy saw of this process: functions by themselves and with all they called."""
    found = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
    if found is None:
        return "py-spy is not installed: .venv/bin/pip install py-spy"
    with tempfile.TemporaryDirectory(prefix="tongke-spy-") as folder:
        output = Path(folder) / "stacks"
        process = await asyncio.create_subprocess_exec(
            *(found, "record", "--pid", str(pid), "--format", "raw", "--function"),
            *("--rate", str(SPY_RATE_HZ), "--duration", str(max(1, round(seconds)))),
            *("--output", str(output)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(seconds + SPY_EXTRA_S):
                told, _ = await process.communicate()
        except TimeoutError:
            return "py-spy did not end in time"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode or not output.exists():
            return f"py-spy failed: {told.decode(errors='replace').strip()}"
        return functions(output.read_text(errors="replace"))


def functions(stacks: str) -> str:
    """py-spy's raw format (`outer;inner count` a line) as two columns of shares.

    Samples in which Python waited for the network are left out.
    """
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if frames[-1].startswith(WAITING):
            continue
        alone[frames[-1]] += int(count)
        within.update(dict.fromkeys(frames, int(count)))
    samples = alone.total()
    lines = [f"  {samples} samples of working Python"]
    for head, counted in (("by itself", alone), ("with what it called", within)):
        lines.append(f"  {head}")
        top = counted.most_common(SPY_LINES)
        lines += [f"    {share / samples:7.1%}  {name}" for name, share in top]
    return "\n".join(lines)


async def main(chosen: argparse.Namespace) -> int:
    """Every chosen server in turn; 1 when one could not be measured."""
    load = Load(
        profile=SHORT_PROFILES[chosen.profile],
        transport_cc=not chosen.no_transport_cc,
        paced=chosen.paced,
        seconds=max(1.0, min(chosen.seconds, 300.0)),
    )
    failed = 0
    for name in chosen.servers:
        if chosen.loopback and name not in ON_LOOPBACK:
            continue
        server = SERVERS[name](LOOPBACK if chosen.loopback else namespace.ADDRESS)
        try:
            async with asyncio.timeout(2 * load.seconds + BEFORE_AND_AFTER_S + SPY_EXTRA_S):
                await profile(server, chosen.case, load, spy=chosen.spy and name == "tongke")
        except (WarmUpError, *FAILURES) as error:
            print(f"{name}: {str(error) or type(error).__name__}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    options = arguments()
    if not options.loopback:
        namespace.enter("benchmarks.profile")
    sys.exit(ending.run(main(options)))
