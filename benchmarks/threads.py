"""What each thread of a process uses, as the kernel counts it (proc(5), schedstat)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Threads = Mapping[int, "ThreadUse"]  # by the kernel's thread id


@dataclass(frozen=True, slots=True)
class ThreadUse:
    """One thread's counters since it began; `system_share` is of the CPU time."""

    name: str
    cpu_ns: int
    waits: int  # gave the CPU away by itself: each is a wake-up later
    preempted: int
    user_ticks: int
    system_ticks: int


@dataclass(frozen=True, slots=True)
class ThreadRate:
    """One thread's use per second of some while."""

    name: str
    cpu_ms_per_s: float
    wakeups_per_s: float
    preempted_per_s: float
    system_share: float  # of the CPU time; to 10 ms, so only of a long while


def threads_of(pids: Iterable[int]) -> dict[int, ThreadUse]:
    """All threads of these processes; the first of a process is called `Python`."""
    found: dict[int, ThreadUse] = {}
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                found[int(task.name)] = _read(task, "Python" if int(task.name) == pid else "")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended
    return found


def rates(before: Threads, after: Threads, seconds: float) -> list[ThreadRate]:
    """Use between two readings, the busiest thread first; a thread that ended is left out."""
    rows = []
    for number, now in after.items():
        then = before.get(number, ThreadUse(now.name, 0, 0, 0, 0, 0))
        system = now.system_ticks - then.system_ticks
        ticks = system + now.user_ticks - then.user_ticks
        rows.append(
            ThreadRate(
                now.name,
                (now.cpu_ns - then.cpu_ns) / 1e6 / seconds,
                (now.waits - then.waits) / seconds,
                (now.preempted - then.preempted) / seconds,
                system / ticks if ticks else 0.0,
            )
        )
    return sorted(rows, key=lambda row: row.cpu_ms_per_s, reverse=True)


def _read(task: Path, name: str) -> ThreadUse:
    status = dict(
        line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line
    )
    # The name in brackets may hold anything; what follows it may not (proc_pid_stat(5)).
    fields = (task / "stat").read_text().rpartition(")")[2].split()
    return ThreadUse(
        name or status["Name"].strip(),
        int((task / "schedstat").read_text().split()[0]),
        int(status["voluntary_ctxt_switches"]),
        int(status["nonvoluntary_ctxt_switches"]),
        int(fields[11]),
        int(fields[12]),
    )
