"""This machine's clock beside the server's, its disk and its memory. Judging is pure."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from hardware_profiles.doctor.findings import Both, Checked, Grade
from hardware_profiles.doctor.words import CLOCK, DISK, MEMORY

# A certificate's dates and a timetable's minutes forgive this; times of pictures are relative.
WEAK_CLOCK_S, BAD_CLOCK_S = 10.0, 120.0
# Logs, a browser's profile and its cache for a term.
WEAK_DISK_BYTES, BAD_DISK_BYTES = 2 << 30, 200 << 20
# A browser with four pictures takes one, this program and a desktop another.
WEAK_MEMORY_MIB, BAD_MEMORY_MIB = 3_500, 1_500


def machine_name() -> str:
    """Of which machine a report is, for IT: no user and no address."""
    return f"{platform.node()} · {platform.system()} {platform.release()} {platform.machine()}"[
        :200
    ]


def judge_clock(server_time: float, before: float, after: float) -> Checked:
    """The server said its time while here it was between `before` and `after`."""
    off_s = max(before - server_time, server_time - after, 0.0)
    late = server_time > after
    verdict = Grade.GOOD
    if off_s > WEAK_CLOCK_S:
        verdict = Grade.BAD if off_s > BAD_CLOCK_S else Grade.WEAK
    if verdict is Grade.GOOD:
        words = Both(zh="与服务器一致。", en="It agrees with the server's.")
        return Checked(check="clock", name=CLOCK, verdict=verdict, words=words,
                       figures={"off_s": round(off_s, 1)})  # fmt: skip
    return Checked(
        check="clock",
        name=CLOCK,
        verdict=verdict,
        words=Both(
            zh=f"比服务器{'慢' if late else '快'} {off_s:.0f} 秒。",
            en=f"It is {off_s:.0f} s {'behind' if late else 'ahead of'} the server's.",
        ),
        todo=Both(
            zh="请在系统设置中打开“自动设置时间”。",
            en="Switch on setting the time automatically in the system's settings.",
        ),
        figures={"off_s": round(-off_s if late else off_s, 1)},
    )


def judge_disk(free: int, total: int) -> Checked:
    """Of the disk that this program writes to."""
    verdict = Grade.GOOD
    if free < WEAK_DISK_BYTES:
        verdict = Grade.BAD if free < BAD_DISK_BYTES else Grade.WEAK
    gib = free / (1 << 30)
    todo = Both(zh="请删除不用的文件。", en="Delete what is not needed.")
    return Checked(
        check="disk",
        name=DISK,
        verdict=verdict,
        words=Both(zh=f"剩余 {gib:.1f} GiB。", en=f"{gib:.1f} GiB free."),
        todo=None if verdict is Grade.GOOD else todo,
        figures={"free_bytes": free, "total_bytes": total},
    )


def judge_memory(mib: int) -> Checked:
    """What the machine has in all."""
    verdict = Grade.GOOD
    if mib < WEAK_MEMORY_MIB:
        verdict = Grade.BAD if mib < BAD_MEMORY_MIB else Grade.WEAK
    todo = Both(zh="请增加内存，或关闭其他程序。", en="Give it more, or close other programs.")
    return Checked(
        check="memory",
        name=MEMORY,
        verdict=verdict,
        words=Both(zh=f"{mib / 1024:.1f} GiB。", en=f"{mib / 1024:.1f} GiB."),
        todo=None if verdict is Grade.GOOD else todo,
        figures={"mib": mib},
    )


def look_at_disk(folder: Path) -> Checked:
    """Raises OSError where the disk does not answer."""
    usage = shutil.disk_usage(folder)
    return judge_disk(usage.free, usage.total)


def look_at_memory() -> Checked:
    """Raises OSError or ValueError where the system does not say."""
    return judge_memory(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20)


def cores() -> int:
    """Processor cores that this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
