"""What an archive takes, what comes in a day, and how long there is room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.recordings.usage import DAY_S, ArchiveUsage, usage_of

NOW = 1_800_000_000.0


def archive(folder: Path, files: dict[str, tuple[int, float]]) -> None:
    """Files by name: their size, and how many days ago they were written."""
    for name, (size, days) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        os.utime(path, (NOW, NOW - days * DAY_S))


def test_all_is_counted_and_what_is_new_again(tmp_path: Path) -> None:
    archive(tmp_path, {"a/part.mp4": (1000, 100), "b/deep/er.mp4": (280, 10), "c": (140, 1)})
    (tmp_path / "link").symlink_to(tmp_path / "a")
    usage = usage_of(tmp_path, NOW)
    assert usage == ArchiveUsage(1420, 420, NOW - 100 * DAY_S)
    assert usage.per_day_bytes(NOW) == pytest.approx(15)
    assert usage.days_left(1500, NOW) == pytest.approx(100)


@pytest.mark.parametrize(
    ("oldest_days", "recent", "per_day"),
    [
        (2, 700, None),  # too young to say
        (10, 700, 70),  # of the days there were
        (28, 700, 25),
        (400, 0, 0),  # nothing comes any more
    ],
)
def test_the_rate_is_that_of_the_last_weeks(
    oldest_days: float, recent: int, per_day: float | None
) -> None:
    usage = ArchiveUsage(10_000, recent, NOW - oldest_days * DAY_S)
    assert usage.per_day_bytes(NOW) == (None if per_day is None else pytest.approx(per_day))
    assert (usage.days_left(1000, NOW) is None) == (not per_day)


def test_an_empty_archive_and_one_that_is_not_there(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert usage_of(folder, NOW) == ArchiveUsage()
    assert ArchiveUsage().days_left(1000, NOW) is None
