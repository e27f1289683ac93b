"""How much room recordings take, and how long there is room left at the last weeks' rate.

Counted from the files as they lie there: what is recorded just now, finished, or left over counts
alike. A walk over a county's archive (20,000 files) takes some tenths of a second of a thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DAY_S = 86_400.0
# The rate is of four weeks: a timetable's week and its exceptions.
WEEKS_S = 28 * DAY_S
# An archive that is younger says nothing yet of a week.
LEAST_S = 7 * DAY_S
_MOST_FILES = 500_000


@dataclass(frozen=True, slots=True)
class ArchiveUsage:
    """What an archive takes, and what came in the last weeks."""

    bytes: int = 0
    recent_bytes: int = 0
    since: float | None = None
    """When its oldest file was written; None of an empty one."""

    def per_day_bytes(self, now: float) -> float | None:
        """What comes in a day; None while that cannot be said."""
        if self.since is None or now - self.since < LEAST_S:
            return None
        return self.recent_bytes / (min(now - self.since, WEEKS_S) / DAY_S)

    def days_left(self, free_bytes: int, now: float) -> float | None:
        """For how many days there is room; None while that cannot be said, or nothing comes."""
        per_day = self.per_day_bytes(now)
        return free_bytes / per_day if per_day else None


def all_together(several: Iterable[ArchiveUsage]) -> ArchiveUsage:
    """What folders on several disks take."""
    found = list(several)
    began = [one.since for one in found if one.since is not None]
    return ArchiveUsage(
        sum(one.bytes for one in found),
        sum(one.recent_bytes for one in found),
        min(began, default=None),
    )


def usage_of(folder: Path, now: float) -> ArchiveUsage:
    """What lies below this folder; what cannot be looked at is left out."""
    total = recent = 0
    since: float | None = None
    for number, found in enumerate(_files(folder)):
        if number == _MOST_FILES:
            break
        total += found.st_size
        if found.st_mtime > now - WEEKS_S:
            recent += found.st_size
        since = found.st_mtime if since is None else min(since, found.st_mtime)
    return ArchiveUsage(total, recent, since)


def _files(folder: Path) -> Iterator[os.stat_result]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        yield from _files(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.stat(follow_symlinks=False)
                except OSError:  # it has gone meanwhile
                    continue
    except OSError:
        return
