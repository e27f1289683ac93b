"""What a server's processes use, as the kernel counts it."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl.backend import backend as openssl

# Of four cores the server, the client and the kernel's own work leave so much to others.
QUIET_CORES, QUIET_STEP_S = 0.75, 1.0
OPEN_FILES = 65_536


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of these processes, all their threads, to the nanosecond (schedstat).

    Work the kernel does in a sender's name (delivery over loopback included) counts as its own.
    """
    total_ns = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                total_ns += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total_ns / 1e9


def machine_busy_seconds() -> float:
    """CPU time of the whole machine since it began: all but idle and waiting for disks."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def allow_open_files() -> None:
    """As many open files as this user may have, for us and the servers we start.

    A lesson takes eight sockets of the client and more of a server; the usual 1,024 would be the
    limit found, and whoever runs a server for a county raises it too.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(most, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def wait_for_quiet(most_s: float) -> float:
    """Wait, but not longer than so, until the machine has little else to do.

    Returns how many cores others used when it ended. Call it while nothing of ours runs.
    """
    waited = 0.0
    while True:
        busy, ours = machine_busy_seconds(), time.process_time()
        await asyncio.sleep(QUIET_STEP_S)
        waited += QUIET_STEP_S
        others = machine_busy_seconds() - busy - (time.process_time() - ours)
        cores = max(0.0, others / QUIET_STEP_S)
        if cores <= QUIET_CORES or waited >= most_s:
            return cores


def resident_mb(pids: Iterable[int]) -> float:
    """Resident memory of these processes in MB."""
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024


def machine() -> str:
    """One line that says what the benchmark ran on."""
    model, cores = "unknown CPU", 0
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            cores += 1
    kernel = Path("/proc/sys/kernel/osrelease").read_text().strip()
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{model}, {cores} cores, {memory_kb // (1 << 20)} GiB, Linux {kernel}"


def software() -> str:
    """One line on what every server of ours is run with."""
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"Python {python}, {openssl.openssl_version_text()}, pylibsrtp {version('pylibsrtp')} "
        "(which carries its own libsrtp)"
    )
