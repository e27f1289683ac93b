"""The server's side of recording, with a real recorder: crashes, restarts, what is told to whom."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from recorder.recording_folder import RecordingFolder
from recorder.records import Closed, Happened, Opened, Resumed, TrackStarted
from signaling.log import entries as log
from tests.faults.recording_scene import Scene, rows, send_all
from tests.recorded_media import (
    FRAME_RATE,
    decoded_counters,
)


async def test_a_lesson_becomes_a_recording_in_the_library(scene: Scene) -> None:
    await scene.open()
    await scene.until(lambda: scene.told == [True], "the lesson knows that it is recorded")
    (recording_id,) = scene.catalogue.rows
    assert scene.catalogue.lessons == {recording_id: "lesson1"}
    await scene.publish("camera", "microphone")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.recording.happened(
        "lesson1", log.Chat(at=time.time(), seat_id="lead", name="李老师", text="好")
    )
    await scene.recording.producer_removed("lesson1", "microphone")
    assert [producer for producer, _ in scene.core.taps.values()] == ["camera"]
    await scene.recording.lesson_closed("lesson1")
    assert scene.core.taps == {}
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    (part,) = manifest["parts"]
    assert (part["name"], part["school"], part["source"]) == ("李老师", "一小", "teacher")
    assert part["has_audio"] and part["has_video"]
    assert [e["text"] for e in manifest["events"] if e["type"] == "chat"] == ["好"]
    assert manifest["poster"] == "poster.jpg"
    numbers = [n for _, n in decoded_counters(scene.folder / recording_id / part["file"])]
    assert numbers == list(range(2 * FRAME_RATE))


async def test_a_lesson_that_is_not_to_be_recorded_is_not(scene: Scene) -> None:
    await scene.open(record=False)
    await scene.recording.producer_added("lesson1", "lead", "teacher", "camera")
    await scene.recording.happened("lesson1", log.LessonRunning(at=0.0))
    await scene.recording.producer_removed("lesson1", "camera")
    await scene.recording.lesson_closed("lesson1")
    assert scene.catalogue.rows == {}
    assert scene.core.taps == {}
    assert not list(scene.folder.glob("*"))


async def test_a_recorder_that_is_killed_comes_back_and_nothing_is_forgotten(scene: Scene) -> None:
    await scene.open()
    await scene.publish("camera", "microphone")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.until(lambda: scene.told == [True], "running")
    first = scene.recording.recorder_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    # What happens while nobody writes is kept for the next recorder.
    await scene.recording.happened("lesson1", log.HandRaised(at=1.0, seat_id="room"))
    await scene.until(lambda: scene.told == [True, False, True], "running again")
    await scene.until(lambda: len(scene.core.taps) == 2, "tapped again")
    await scene.recording.happened("lesson1", log.FloorGiven(at=2.0, seat_id="room", by="lead"))
    await send_all(scene, start=10.0, seconds=2.0, live=True)
    await scene.recording.lesson_closed("lesson1")
    (recording_id,) = scene.catalogue.rows
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    records = scene.records(recording_id)
    assert sum(isinstance(r, Opened) for r in records) == 1
    assert sum(isinstance(r, Resumed) for r in records) == 1
    manifest = scene.catalogue.manifests[recording_id]
    types = [e["type"] for e in manifest["events"]]
    assert types == ["lesson_running", "hand_raised", "floor_given"]
    numbers = [
        number
        for part in manifest["parts"]
        if part["has_video"]
        for _, number in decoded_counters(scene.folder / recording_id / part["file"])
    ]
    assert numbers[-50:] == list(range(250, 300))


async def test_a_recorder_that_is_killed_while_finishing_finishes_again(scene: Scene) -> None:
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    pid = scene.recording.recorder_pid
    assert pid is not None
    await scene.recording.lesson_closed("lesson1")
    os.kill(pid, signal.SIGKILL)
    (recording_id,) = scene.catalogue.rows
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")


async def test_a_server_that_is_killed_leaves_no_recorder_and_its_recording_goes_on(
    tmp_path: Path,
) -> None:
    """The recorder outlives nobody; the next server goes on in the same recording."""
    (tmp_path / "run").mkdir()
    first = Scene(tmp_path / "recordings", tmp_path / "run")
    await first.recording.start()
    await first.open()
    await first.publish("camera", "microphone")
    await send_all(first, start=0.0, seconds=2.0)
    (recording_id,) = first.catalogue.rows
    await first.close()  # to the recorder the same as a kill: its connection ends
    assert first.catalogue.rows == {recording_id: "recording"}
    assert not any(isinstance(r, Closed) for r in first.records(recording_id))

    second = Scene(tmp_path / "recordings", tmp_path / "run")
    await second.recording.start()
    await second.open()
    await second.until(lambda: second.catalogue.rows == {recording_id: "recording"}, "a row")
    await second.publish("camera", "microphone")
    await send_all(second, start=10.0, seconds=2.0)
    await second.recording.lesson_closed("lesson1")
    await second.until(lambda: second.catalogue.rows.get(recording_id) == "ready", "finished")
    manifest = second.catalogue.manifests[recording_id]
    numbers = [
        number
        for part in manifest["parts"]
        if part["has_video"]
        for _, number in decoded_counters(second.folder / recording_id / part["file"])
    ]
    assert numbers == [*range(50), *range(250, 300)]
    tracks = [r for r in second.records(recording_id) if isinstance(r, TrackStarted)]
    assert len({track.track_id for track in tracks if not track.beside}) == 4
    await second.close()


async def test_what_ended_while_the_server_was_down_is_finished(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    first = Scene(tmp_path / "recordings", tmp_path / "run")
    await first.recording.start()
    await first.open()
    await first.publish("camera")
    await send_all(first, start=0.0, seconds=1.0)
    await first.close()
    second = Scene(tmp_path / "recordings", tmp_path / "run")
    second.lesson_live = False
    await second.recording.start()
    (recording_id,) = first.catalogue.rows
    await second.until(lambda: second.catalogue.rows.get(recording_id) == "ready", "finished")
    await second.close()


async def test_of_two_interrupted_recordings_only_the_newer_goes_on(tmp_path: Path) -> None:
    """The older one can only stem from a server that lost its database; it is finished."""
    (tmp_path / "run").mkdir()
    for number, at in ((1, 100.0), (2, 200.0), (3, 150.0)):
        opened = Opened(recording_id=f"rec{number}", lesson_id="lesson1", at=at)
        RecordingFolder(tmp_path / "recordings" / f"rec{number}", opened).abandon()
    scene = Scene(tmp_path / "recordings", tmp_path / "run")
    await scene.recording.start()
    # There is nothing in them: finishing says so.
    await scene.until(lambda: len(scene.catalogue.reasons) == 2, "two are finished")
    assert scene.catalogue.rows == {"rec1": "failed", "rec2": "recording", "rec3": "failed"}
    await scene.open()
    await scene.until(lambda: scene.told == [True], "running")
    assert set(scene.catalogue.rows) == {"rec1", "rec2", "rec3"}
    await scene.close()


async def test_what_the_library_never_heard_of_is_told_to_it_once(tmp_path: Path) -> None:
    """The server was killed between the end of finishing and the library's row."""
    (tmp_path / "run").mkdir()
    first = Scene(tmp_path / "recordings", tmp_path / "run")
    await first.recording.start()
    await first.open()
    await first.publish("camera")
    await send_all(first, start=0.0, seconds=1.0)
    await first.recording.lesson_closed("lesson1")
    (recording_id,) = first.catalogue.rows
    await first.until(lambda: first.catalogue.rows[recording_id] == "ready", "finished")
    await first.close()
    filed = first.folder / recording_id / ".filed"
    filed.unlink()

    second = Scene(tmp_path / "recordings", tmp_path / "run")
    await second.recording.start()
    await second.until(lambda: second.catalogue.rows == {recording_id: "ready"}, "told")
    assert second.catalogue.lessons == {recording_id: "lesson1"}
    assert second.catalogue.manifests == first.catalogue.manifests
    await second.close()
    assert filed.is_file()

    third = Scene(tmp_path / "recordings", tmp_path / "run")
    await third.recording.start()
    await third.close()
    assert third.catalogue.rows == {}


async def test_a_source_that_cannot_be_tapped_yet_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.children.tapping.RETRY_S", 0.01)
    scene.core.refuse = 2
    await scene.open()
    await scene.publish("camera")
    assert scene.core.refuse == 0


async def test_every_event_is_written_once_and_in_order(scene: Scene) -> None:
    await scene.open()
    for number in range(500):
        await scene.recording.happened("lesson1", log.HandRaised(at=0.0, seat_id=str(number)))
    await scene.until(lambda: bool(scene.told), "running")
    await scene.recording.lesson_closed("lesson1")
    (recording_id,) = await rows(scene)
    # Nothing was sent in this lesson: there is nothing to play, and that is said.
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "failed", "failed")
    assert "No picture and no sound" in scene.catalogue.reasons[0]
    events = [
        int(str(r.event["seat_id"]))
        for r in scene.records(recording_id)
        if isinstance(r, Happened) and r.event["type"] == "hand_raised"
    ]
    assert events == list(range(500))
