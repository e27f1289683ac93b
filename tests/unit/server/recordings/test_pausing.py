"""A recording that goes on says that it stands still, or stood still and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from recorder import control as c
from recorder.recording_folder import RecordingFolder
from recorder.records import DiskRefused, Opened, SwitchedOff
from server.recordings.leftovers import find_leftovers
from server.recordings.pausing import Pausing
from server.recordings.recorded import Interruption, Recorded

FULL = c.RecordingFailed(recording_id="rec1", code="disk-full", text="The disk is full.")


class Kept:
    """One recording, and those who pause it and go on."""

    def __init__(self, folder: Path) -> None:
        self.recorded = Recorded("rec1", "lesson1")
        self.said: list[str] = []  # to the recorder
        self.heard: list[tuple[bool, str]] = []  # by the lesson
        self.pausing = Pausing(
            {"rec1": self.recorded},
            folder,
            lambda _recorded: self.said.append("all"),
            lambda command: self.said.append(command.type),
        )
        self.pausing.on_running = self._running

    async def _running(self, _lesson_id: str, running: bool, fault: str) -> None:
        self.heard.append((running, fault))

    def told(self) -> Interruption | None:
        return self.recorded.told_interruption


@pytest_asyncio.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    made = Kept(tmp_path)
    made.pausing.chores.start()
    yield made
    await made.pausing.chores.done()
    await made.pausing.chores.close()


async def test_a_pause_is_told_while_it_lasts_and_afterwards(kept: Kept) -> None:
    recorded, pausing = kept.recorded, kept.pausing
    pausing.runs(recorded, 0.0)
    assert kept.told() is None
    pausing.pause(recorded, FULL, 5.0)
    assert kept.told() == Interruption("disk-full", "The disk is full.", over=False)
    pausing.away(recorded, 6.0)  # and its recorder was killed meanwhile
    pausing.resume(recorded, 20.0)
    pausing.runs(recorded, 21.0)
    assert kept.told() == Interruption("disk-full", "The disk is full.", over=True)


async def test_what_the_lead_switches_off_goes_on_by_nothing_but_the_lead(kept: Kept) -> None:
    recorded, pausing = kept.recorded, kept.pausing
    pausing.runs(recorded, 0.0)
    for _ in range(2):
        pausing.switch(recorded, 5.0, on=False)
    assert kept.said == ["pause"]
    off = kept.told()
    assert off is not None
    assert (off.code, off.over) == ("switched-off", False)
    pausing.runs(recorded, 6.0)  # said before, heard after
    pausing.pause(recorded, FULL, 6.0)
    pausing.away(recorded, 7.0)
    pausing.resume(recorded, 8.0)  # another recorder is there
    await pausing.look(900.0)
    assert (kept.said, kept.told()) == (["pause"], off)
    pausing.switch(recorded, 901.0, on=True)
    pausing.runs(recorded, 902.0)
    assert kept.said == ["pause", "all"]
    assert kept.told() is None, "it is complete, with a gap that was wished"
    await pausing.chores.done()
    assert kept.heard == [(True, ""), (False, "switched-off"), (True, "")]


async def test_what_was_amiss_before_is_told_after_it_was_switched_off_and_on(kept: Kept) -> None:
    recorded, pausing = kept.recorded, kept.pausing
    pausing.pause(recorded, FULL, 5.0)
    pausing.switch(recorded, 6.0, on=False)
    off = kept.told()
    assert off is not None
    assert off.code == "switched-off"
    pausing.switch(recorded, 60.0, on=True)
    pausing.runs(recorded, 61.0)
    assert kept.told() == Interruption("disk-full", "The disk is full.", over=True)


async def test_what_was_sent_before_it_was_switched_on_is_not_wanted(kept: Kept) -> None:
    """The media core keeps some seconds, for a recorder that comes back."""
    recorded, pausing = kept.recorded, kept.pausing
    assert recorded.takes_past(0.0)
    pausing.switch(recorded, 5.0, on=False)
    pausing.switch(recorded, 50.0, on=True)
    assert [recorded.takes_past(now) for now in (50.0, 59.9, 60.0)] == [False, False, True]


async def test_a_full_disk_is_not_tried_again_once_it_is_switched_off(kept: Kept) -> None:
    kept.pausing.pause(kept.recorded, FULL, 5.0)
    kept.pausing.switch(kept.recorded, 6.0, on=False)
    await kept.pausing.look(900.0)
    assert kept.said == []


@pytest.mark.parametrize(("back_at", "told"), [(2.9, ""), (3.0, "recorder-away")])
async def test_a_recorder_that_is_away_for_long_is_told(
    kept: Kept, back_at: float, told: str
) -> None:
    """As long as a finished recording says it."""
    kept.pausing.away(kept.recorded, 0.0)
    kept.pausing.runs(kept.recorded, back_at)
    interruption = kept.told()
    assert ("" if interruption is None else interruption.code) == told


def test_what_an_earlier_server_paused_for_is_still_told(tmp_path: Path) -> None:
    """Also that the server itself was away; both as the finished recording will say."""
    folder = tmp_path / "rec1"

    def left(now: float) -> Interruption | None:
        (found,) = find_leftovers(tmp_path, now)
        return found.interruption

    RecordingFolder(folder, Opened(recording_id="rec1", lesson_id="l", at=10.0)).abandon()
    assert left(12.9) is None
    failed = DiskRefused(at=11.0, code="disk-full", text="The disk is full.")
    again = Opened(recording_id="rec1", lesson_id="l", at=12.0)
    RecordingFolder(folder, again, failed=failed).abandon()
    assert left(14.9) == Interruption("disk-full", "The disk is full.", over=True)
    away = left(15.0)
    assert away is not None
    assert away.code == "recorder-away"


def test_what_its_lead_switched_off_is_nothing_amiss_after_a_restart(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path / "rec1", Opened(recording_id="rec1", lesson_id="l", at=10.0))
    folder.append(SwitchedOff(at=11.0))
    folder.abandon()
    (found,) = find_leftovers(tmp_path, 90.0)
    assert found.interruption is None
