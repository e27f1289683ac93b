"""This server for its administrators: version, storage, settings in force, the end of the log."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
from pathlib import Path

from server.api.access import ServicesOf
from server.api.areas import area
from server.api.fields import View
from server.log_tail import TAIL
from server.recordings.usage import usage_of
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
    """The recordings: what they take, what comes in a day (of the last four weeks; null while they
    are younger than one), and for how many days there is room (null too while nothing comes)."""

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
    folder = services.settings.recordings
    disk, usage = _disk(folder), usage_of(folder, now)
    days_left = None if disk.free_bytes is None else usage.days_left(disk.free_bytes, now)
    return ArchiveView(
        **dict(disk),
        used_bytes=usage.bytes,
        per_day_bytes=usage.per_day_bytes(now),
        days_left=days_left,
    )
