"""Every lesson's log on disk: whole after a kill, in order after a disk that refused."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from server.lessons.event_log import MAX_WAITING, EventLog, log_path, read_log
from signaling.log import entries as log
from signaling.ports import LessonPlan, SeatPlan
from signaling.protocol.messages import Mode, Role, SendProfile

PLAN = LessonPlan(
    "lesson1",
    "第一课",
    Mode.DELIVERY,
    started_at=5.0,
    record=False,
    seats=(SeatPlan("lead", Role.LEAD, "李老师", "一小", SendProfile(name="x", sources=[])),),
)


def hands(seats: range) -> list[log.HandRaised]:
    return [log.HandRaised(at=float(number), seat_id=f"room-{number}") for number in seats]


async def write(event_log: EventLog, entries: list[log.HandRaised]) -> None:
    for entry in entries:
        await event_log.happened("lesson1", entry)


async def test_a_lesson_that_is_not_recorded_has_its_log(tmp_path: Path) -> None:
    event_log = EventLog(tmp_path / "logs", clock=lambda: 7.0)
    await event_log.lesson_opened(PLAN)
    await write(event_log, hands(range(3)))
    await event_log.lesson_closed("lesson1")
    await event_log.close()
    path = log_path(tmp_path / "logs", "lesson1")
    found = read_log(path)
    assert list(found.entries) == hands(range(3))
    (opened,) = found.opened
    assert (opened.at, opened.title, opened.mode, opened.seats[0].name) == (
        7.0,
        "第一课",
        Mode.DELIVERY,
        "李老师",
    )
    assert (found.unknown, found.damaged) == (0, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_line_torn_by_a_kill_is_cut_off_wherever_it_was_torn(tmp_path: Path) -> None:
    path = log_path(tmp_path, "lesson1")
    event_log = EventLog(tmp_path, clock=lambda: 7.0)
    await event_log.lesson_opened(PLAN)
    await write(event_log, hands(range(2)))
    await event_log.close()
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        again = EventLog(tmp_path, clock=lambda: 8.0)
        await again.lesson_opened(PLAN)
        await write(again, hands(range(5, 6)))
        await again.close()
        found = read_log(path)
        assert list(found.entries) == [*hands(range(1)), *hands(range(5, 6))], end
        assert [opened.at for opened in found.opened] == [7.0, 8.0]
        assert found.damaged == 0


async def test_what_a_disk_refuses_is_written_in_order_when_it_takes_it_again(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "logs"
    folder.write_text("where the folder should be")
    event_log = EventLog(folder)
    await event_log.lesson_opened(PLAN)
    await write(event_log, hands(range(3)))
    while not event_log.refused:  # noqa: ASYNC110 - a state that tells nobody
        await asyncio.sleep(0)
    folder.unlink()
    await write(event_log, hands(range(3, 5)))
    await event_log.lesson_closed("lesson1")
    await event_log.close()
    assert list(read_log(log_path(folder, "lesson1")).entries) == hands(range(5))
    assert not event_log.refused


async def test_what_waits_for_the_disk_has_a_bound(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.write_text("where the folder should be")
    event_log = EventLog(folder)
    await event_log.lesson_opened(PLAN)
    await write(event_log, hands(range(MAX_WAITING + 9)))
    assert event_log.dropped == 10  # the opening is one of those that wait
    await event_log.close()
