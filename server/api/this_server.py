"""This server for its administrators: version, storage, settings in force, the end of the log."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from server.api.access import ServicesOf
from server.api.areas import area
from server.api.fields import View
from server.log_tail import TAIL
from server.recordings.usage import all_together, usage_of
from server.services import Services
from server.settings_in_force import settings_in_force

router = area("server", prefix="/api/admin")


class DiskView(View):
    """A folder's disk. `free_bytes` is what we may still write; both are null where the disk does
    not answer."""

    folder: str
    total_bytes: int | None
    free_bytes: int | None


class ArchiveView(DiskView):
    """The recordings, on all their disks: what they take, what comes in a day (of the last four
    weeks; null while they are younger than one), and for how many days there is room (null too
    while nothing comes). Room on all disks is counted together, a disk of two folders once;
    `disks` tells each folder's, in the order in which they are filled."""

    disks: list[DiskView]
    used_bytes: int
    per_day_bytes: float | None
    days_left: float | None


class SettingView(View):
    name: str
    value: str
    is_default: bool


class ThisServerView(View):
    """`log` has the last lines, the oldest first; secrets are blotted out."""

    version: str
    python: str
    system: str
    started_at: float
    server_time: float
    data: DiskView
    recordings: ArchiveView
    settings: list[SettingView]
    log: list[str]


@router.get("/server")
async def this_server(services: ServicesOf) -> ThisServerView:
    """How this server is set, what it stores, and what it last logged."""
    now = services.clock()
    settings = services.settings
    data, recordings = await asyncio.gather(
        asyncio.to_thread(_disk, settings.data_folder),
        asyncio.to_thread(_archive, services, now),
    )
    return ThisServerView(
        version=importlib.metadata.version("tongke"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        started_at=services.started_at,
        server_time=now,
        data=data,
        recordings=recordings,
        settings=[
            SettingView(name=one.name, value=one.value, is_default=one.is_default)
            for one in settings_in_force(settings)
        ],
        log=TAIL.lines,
    )


def _disk(folder: Path) -> DiskView:
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return DiskView(folder=str(folder), total_bytes=None, free_bytes=None)
    return DiskView(folder=str(folder), total_bytes=found.total, free_bytes=found.free)


def _archive(services: Services, now: float) -> ArchiveView:
    roots = (services.settings.recordings, *services.settings.further_recordings)
    usage = all_together(usage_of(root, now) for root in roots)
    disks = [_disk(root) for root in roots]
    answering = list(_each_once(disks))
    free = sum(disk.free_bytes or 0 for disk in answering) if answering else None
    return ArchiveView(
        folder=str(services.settings.recordings),
        total_bytes=sum(disk.total_bytes or 0 for disk in answering) if answering else None,
        free_bytes=free,
        disks=disks,
        used_bytes=usage.bytes,
        per_day_bytes=usage.per_day_bytes(now),
        days_left=None if free is None else usage.days_left(free, now),
    )


def _each_once(disks: list[DiskView]) -> Iterator[DiskView]:
    """Those that answer, without further folders on a disk that is among them already."""
    known: set[int] = set()
    for disk in disks:
        if disk.total_bytes is None:
            continue
        try:
            device = Path(disk.folder).stat().st_dev
        except OSError:
            continue
        if device not in known:
            known.add(device)
            yield disk
