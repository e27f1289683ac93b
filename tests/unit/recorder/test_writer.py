"""The writer's thread: what a slow or refusing disk does, and to whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixer.reading.frames import Frame
from recorder import writer as w
from recorder.recording_folder import RecordingFolder, read_recording
from recorder.records import Closed, DiskRefused, Happened, Opened, Resumed, SwitchedOff
from tests.recorded_media import encode_video
from tests.refusals import small_disk

PATIENCE_S = 20.0


class Outcomes:
    """What the writer says, waited for."""

    def __init__(self) -> None:
        self.now = 0.0
        self.writer = w.Writer(self._wake, wall=lambda: self.now)
        self._woken = threading.Event()
        self._heard: list[w.Outcome] = []

    def _wake(self) -> None:
        self._woken.set()

    def wait(self, kind: type) -> object:
        while True:
            self._woken.clear()
            self._heard += self.writer.outcomes()
            while self._heard:
                outcome = self._heard.pop(0)
                if isinstance(outcome, kind):
                    return outcome
            assert self._woken.wait(PATIENCE_S), f"no {kind.__name__}"


@pytest.fixture
def outcomes() -> Iterator[Outcomes]:
    outcomes = Outcomes()
    yield outcomes
    outcomes.writer.stop(9.0)


def opening(recording_id: str, folder: Path, *, at: float = 1.0) -> w.Open:
    return w.Open(recording_id, folder, Opened(recording_id=recording_id, lesson_id="l", at=at))


def event(number: int) -> Happened:
    return Happened(event_id=str(number), event={"n": number})


def test_a_disk_that_is_too_slow_refuses_frames_and_keeps_records(
    outcomes: Outcomes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def slow(_folder: RecordingFolder, _track_id: str, _frame: Frame, _pts: int) -> None:
        assert gate.wait(PATIENCE_S)

    monkeypatch.setattr(RecordingFolder, "write_frame", slow)
    outcomes.writer.put(opening("r", tmp_path / "r"))
    outcomes.wait(w.Opening)
    frame = Frame(0, bytes(1 << 20), keyframe=True)
    taken = sum(outcomes.writer.put(w.WriteFrame("r", "t", frame, n)) for n in range(200))
    # One batch may be on its way already; the rest of the memory is bounded.
    assert 64 <= taken <= 128
    assert all(outcomes.writer.put(w.Append("r", event(n))) for n in range(100))
    gate.set()
    assert outcomes.writer.put(w.Append("r", event(100)))
    while outcomes.wait(w.EventWritten) != w.EventWritten("100"):
        continue
    events = [r.event["n"] for r in read_recording(tmp_path / "r") if isinstance(r, Happened)]
    assert events == list(range(101))


def test_one_recordings_refusal_is_its_own(outcomes: Outcomes, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    outcomes.writer.put(opening("bad", tmp_path / "file" / "bad"))
    outcomes.writer.put(opening("good", tmp_path / "good"))
    refused = outcomes.wait(w.WriteRefused)
    assert isinstance(refused, w.WriteRefused)
    assert refused.recording_id == "bad"
    outcomes.writer.put(w.Append("bad", event(1)))
    outcomes.writer.put(w.Append("good", event(2)))
    assert outcomes.wait(w.EventWritten) == w.EventWritten("2")


def test_our_own_fault_ends_one_recording_and_not_the_writer(
    outcomes: Outcomes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def broken(_folder: RecordingFolder, _track_id: str, _frame: Frame, _pts: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RecordingFolder, "write_frame", broken)
    for name in ("a", "b"):
        outcomes.writer.put(opening(name, tmp_path / name))
    outcomes.writer.put(w.WriteFrame("a", "t", Frame(0, b"x", keyframe=True), 0))
    refused = outcomes.wait(w.WriteRefused)
    assert isinstance(refused, w.WriteRefused)
    assert (refused.recording_id, refused.error.code) == ("a", "recorder-fault")
    assert "ZeroDivisionError" in capfd.readouterr().err
    outcomes.writer.put(w.Append("b", event(1)))
    assert outcomes.wait(w.EventWritten) == w.EventWritten("1")
    # The end of its lesson closes it all the same, and says what happened.
    outcomes.writer.put(w.Close("a", 5.0, lesson_over=True))
    assert outcomes.wait(w.ClosedFor) == w.ClosedFor("a", tmp_path / "a", True)
    kinds = [type(r) for r in read_recording(tmp_path / "a")]
    assert kinds[-3:] == [DiskRefused, Resumed, Closed]


def test_on_a_full_disk_a_recording_stands_still_until_it_is_opened_again(
    outcomes: Outcomes, tmp_path: Path
) -> None:
    """However often that is tried; the journal says since when, and is whole."""
    with small_disk(tmp_path / "disk", 1) as disk:
        folder = disk.folder / "r"
        outcomes.writer.put(opening("r", folder))
        outcomes.wait(w.Opening)
        disk.fill()
        outcomes.now = 10.0
        for number in range(100):  # the journal's page is full soon
            outcomes.writer.put(w.Append("r", event(number)))
        refused = outcomes.wait(w.WriteRefused)
        assert isinstance(refused, w.WriteRefused)
        assert refused.error.code == "disk-full"
        outcomes.now = 12.0
        for _ in range(3):
            outcomes.writer.put(opening("r", folder, at=12.0))
            for number in range(100):
                outcomes.writer.put(w.Append("r", event(number)))
            outcomes.wait(w.WriteRefused)
        disk.clear()
        outcomes.writer.put(opening("r", folder, at=14.0))
        outcomes.writer.put(w.Append("r", event(999)))
        while outcomes.wait(w.EventWritten) != w.EventWritten("999"):
            continue
        told = [r for r in read_recording(folder) if not isinstance(r, Happened | Opened)]
        failed = DiskRefused(at=10.0, code="disk-full", text=str(refused.error))
        assert told[-2:] == [failed, Resumed(at=14.0)]
        assert {r.at for r in told if isinstance(r, DiskRefused)} <= {10.0, 12.0}


def test_a_recording_that_could_not_be_closed_is_not_finished_but_closed_again(
    outcomes: Outcomes, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        folder = disk.folder / "r"
        outcomes.writer.put(opening("r", folder))
        outcomes.wait(w.Opening)
        disk.fill()
        for number in range(100):
            outcomes.writer.put(w.Append("r", event(number)))
        outcomes.wait(w.WriteRefused)
        outcomes.writer.put(w.Close("r", 20.0, lesson_over=True))
        outcomes.wait(w.WriteRefused)
        disk.clear()
        outcomes.writer.put(opening("r", folder, at=30.0))
        outcomes.writer.put(w.Close("r", 30.0, lesson_over=True))
        assert outcomes.wait(w.ClosedFor) == w.ClosedFor("r", folder, True)
        kinds = [type(r) for r in read_recording(folder)]
        assert kinds[-3:] == [DiskRefused, Resumed, Closed]


def test_stopping_writes_all_that_waits_and_closes_nothing_for_good(tmp_path: Path) -> None:
    outcomes = Outcomes()
    outcomes.writer.put(opening("r", tmp_path / "r"))
    picture = encode_video("VP8", 0.2)
    for number in range(500):
        outcomes.writer.put(w.Append("r", event(number)))
    for number, frame in enumerate(picture):
        outcomes.writer.put(
            w.WriteFrame("r", "t", Frame(number, frame.data, keyframe=True), number)
        )
    outcomes.writer.stop(9.0)
    records = read_recording(tmp_path / "r")
    assert sum(isinstance(r, Happened) for r in records) == 500
    assert not any(isinstance(r, Closed) for r in records)


def test_a_recording_that_is_switched_off_takes_nothing_until_it_is_opened_again(
    outcomes: Outcomes, tmp_path: Path
) -> None:
    outcomes.writer.put(opening("r", tmp_path / "r"))
    outcomes.writer.put(w.Append("r", event(1)))
    outcomes.writer.put(w.SwitchOff("r", 5.0))
    outcomes.writer.put(w.SwitchOff("r", 6.0))  # it is off already
    outcomes.writer.put(w.Append("r", event(2)))
    outcomes.writer.put(opening("r", tmp_path / "r", at=7.0))
    outcomes.writer.put(w.Append("r", event(3)))
    outcomes.writer.put(w.SwitchOff("r", 8.0))
    outcomes.writer.put(w.Close("r", 9.0, lesson_over=True))
    outcomes.wait(w.ClosedFor)
    records = read_recording(tmp_path / "r")
    told = [r.event["n"] if isinstance(r, Happened) else type(r) for r in records]
    off = [SwitchedOff, Resumed]
    assert told == [Opened, 1, *off, 3, *off, Closed]
