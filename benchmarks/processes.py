"""What a server's processes use, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


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
