"""The sound: what a participant costs here and in Janus' AudioBridge, and how good and late it is.

CPU is that of the whole process, which has no pictures, with all its ticks: nothing is taken away.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.compositors.run_audiobridge import AudioBridge
from benchmarks.compositors.run_tongke import Tongke
from benchmarks.compositors.sending import Target
from benchmarks.compositors.speaking import Speaking
from benchmarks.processes import cpu_seconds
from benchmarks.servers import ServerFailedError

OURS, THEIRS = "tongke", "audiobridge"
# Participants, and how many of them talk.
CASES = {
    "4-of-whom-1-talks": (4, 1),
    "4-who-all-talk": (4, 4),
    "16-of-whom-3-talk": (16, 3),
}
_SETTLE_S = 3.0
_PACKETS_PER_S = 50


@dataclass(frozen=True, slots=True)
class Mixed:
    """CPU per participant in thousandths of a core, and packets to each in a second."""

    milli_cores: float
    packets_per_s: float


def measure_sound(cases: Sequence[str], runs: int, seconds: float) -> dict[str, dict[str, Mixed]]:
    """Each case and server in interleaved rounds; medians. Janus is left out where it is not."""
    servers = {OURS: _ours, THEIRS: _theirs}
    if shutil.which("janus") is None:
        print("audiobridge is left out: scripts/need-janus.sh installs it", file=sys.stderr)
        del servers[THEIRS]
    found: dict[str, dict[str, Mixed]] = {}
    for case in cases:
        participants, talking = CASES[case]
        measured: dict[str, list[Mixed]] = {}
        for _ in range(max(1, runs)):
            for name, server in servers.items():
                try:
                    one = server(participants, talking, seconds)
                except (OSError, RuntimeError, ServerFailedError) as error:
                    print(f"sound of {case}, {name}: {error}", file=sys.stderr)
                    continue
                measured.setdefault(name, []).append(one)
        found[case] = {
            name: Mixed(
                median(one.milli_cores for one in all_of_it),
                median(one.packets_per_s for one in all_of_it),
            )
            for name, all_of_it in measured.items()
        }
    return found


def _ours(participants: int, talking: int, seconds: float) -> Mixed:
    program = Tongke(mixes=True)
    try:
        targets = program.start_sound(participants)
        return _measure(targets, talking, seconds, program.pid, lambda: program.arriving.packets)
    finally:
        program.stop()


def _theirs(participants: int, talking: int, seconds: float) -> Mixed:
    async def run() -> Mixed:
        bridge = AudioBridge()
        try:
            await bridge.start()
            targets = await bridge.join_all(participants)
            return await asyncio.to_thread(
                _measure,
                targets,
                talking,
                seconds,
                bridge.pids[0],
                lambda: bridge.arriving.packets,
                sender=bridge.socket,
            )
        finally:
            await bridge.stop()

    return asyncio.run(run())


def _measure(
    targets: Sequence[Target],
    talking: int,
    seconds: float,
    pid: int,
    packets: Callable[[], int],
    *,
    sender: socket.socket | None = None,
) -> Mixed:
    speaking = Speaking(targets, talking, sender)
    speaking.start()
    try:
        time.sleep(_SETTLE_S)
        began, cpu, count = time.monotonic(), cpu_seconds([pid]), packets()
        time.sleep(seconds)
        took_s = time.monotonic() - began
        cores = (cpu_seconds([pid]) - cpu) / took_s
        per_s = (packets() - count) / took_s / len(targets)
    finally:
        speaking.stop()
    # Who talks alone hears nothing: ours sends them a packet now and then.
    hear = len(targets) - (talking == 1)
    if per_s < 0.9 * _PACKETS_PER_S * hear / len(targets):
        raise RuntimeError(f"only {per_s:.0f} packets a second came to each")
    return Mixed(1000 * cores / len(targets), per_s)
