"""A recording whose disk takes nothing, with a real recorder: it pauses, and is finished later."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from recorder.verification import ArchiveCondition, verify
from server.errors import Refusal
from server.recordings.leftovers import FILED
from server.recordings.places import RecordingPlaces
from server.recordings.store import FolderStore
from signaling.log import entries as log
from tests.faults.recording_scene import Scene, rows, send_all
from tests.recorded_media import (
    FRAME_RATE,
    decoded_counters,
)
from tests.refusals import SmallDisk, small_disk


async def test_a_folder_that_cannot_be_written_pauses_the_recording_and_nothing_else(
    scene: Scene,
) -> None:
    scene.folder.write_text("not a folder")
    await scene.open()
    await scene.until(lambda: scene.faults[-1:] == ["disk-error"], "the lesson knows")
    (recording_id,) = await rows(scene)
    interruption = scene.recording.interruption_of(recording_id)
    assert interruption is not None
    assert str(scene.folder) in interruption.text
    assert not interruption.over
    assert scene.told[-1] is False
    await scene.recording.producer_added("lesson1", "lead", "teacher", "camera")
    await scene.recording.happened("lesson1", log.LessonRunning(at=0.0))
    assert scene.core.taps == {}
    await scene.recording.lesson_closed("lesson1")
    assert scene.recording.recorder_pid is not None


@pytest_asyncio.fixture
async def small_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Scene, SmallDisk]]:
    """Recording on a small disk of its own, and nobody waits long to try again."""
    monkeypatch.setattr("server.recordings.recording.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("server.recordings.filing.FINISH_AGAIN_AFTER_S", (0.1,) * 100)
    (tmp_path / "run").mkdir()
    with small_disk(tmp_path / "disk", 24) as disk:
        scene = Scene(disk.folder / "recordings", tmp_path / "run")
        await scene.recording.start()
        yield scene, disk
        await scene.close()


async def until_paused(scene: Scene) -> None:
    """The disk is full: what happens in the lesson finds that out."""
    for number in range(200):
        line = log.Chat(at=0.0, seat_id="", name="x", text=f"{number}")
        await scene.recording.happened("lesson1", line)
    await scene.until(lambda: scene.faults[-1:] == ["disk-full"], "the lesson knows")


async def test_four_seconds_of_a_full_disk_cost_four_seconds(
    small_scene: tuple[Scene, SmallDisk],
) -> None:
    """It pauses, lesson and library are told, it goes on by itself, nothing said is lost."""
    scene, disk = small_scene
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    disk.fill()
    await until_paused(scene)
    (recording_id,) = scene.catalogue.rows
    paused = scene.recording.interruption_of(recording_id)
    assert paused is not None
    assert (paused.code, paused.over) == ("disk-full", False)
    await scene.until(lambda: not scene.core.taps, "nothing is tapped for nothing")
    paused_at = time.time()
    disk.clear()
    await scene.until(lambda: scene.told[-1], "it goes on")
    await scene.until(lambda: len(scene.core.taps) == 1, "tapped again")
    resumed_at = time.time()
    await send_all(scene, start=10.0, seconds=1.0)
    await scene.settle()
    assert scene.recording.interruption_of(recording_id) == replace(paused, over=True)
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    (pause,) = manifest["pauses"]
    assert pause["code"] == "disk-full"
    began = manifest["started_at"] + pause["start_s"]
    assert began <= paused_at <= began + pause["duration_s"] <= resumed_at
    assert "full" in manifest["incomplete"]
    texts = [e["text"] for e in manifest["events"] if e.get("name") == "x"]
    assert texts == [str(number) for number in range(200)]
    numbers = [
        number
        for part in manifest["parts"]
        for _, number in decoded_counters(scene.folder / recording_id / part["file"])
    ]
    # Up to the fragment that the full disk did not take, and all from then on.
    assert numbers[-FRAME_RATE:] == list(range(250, 250 + FRAME_RATE))
    assert set(range(FRAME_RATE // 2)) <= set(numbers)


@pytest_asyncio.fixture
async def two_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Scene, SmallDisk, Path]]:
    """A small disk that recordings begin on, and another."""
    monkeypatch.setattr("server.recordings.recording.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("server.recordings.filing.FINISH_AGAIN_AFTER_S", (0.1,) * 100)
    (tmp_path / "run").mkdir()
    second = tmp_path / "second"
    second.mkdir()
    with small_disk(tmp_path / "disk", 24) as disk:
        folder = disk.folder / "recordings"
        places = RecordingPlaces(folder, (second,), room_bytes=1 << 20)
        scene = Scene(folder, tmp_path / "run", places)
        await scene.recording.start()
        yield scene, disk, second
        await scene.close()


async def test_a_full_disk_gives_way_to_the_next_in_the_middle_of_a_lesson(
    two_disks: tuple[Scene, SmallDisk, Path],
) -> None:
    """Nobody makes room: it goes on on the other disk, and is one recording with its gap."""
    scene, disk, second = two_disks
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.5, live=True)
    await scene.settle()
    (recording_id,) = scene.catalogue.rows
    place = scene.folder / recording_id
    assert not place.is_symlink(), "it began on the first"
    disk.fill()
    await until_paused(scene)
    await scene.until(lambda: scene.told[-1], "it goes on")
    assert place.resolve() == second / recording_id
    await scene.until(lambda: len(scene.core.taps) == 1, "tapped again")
    await send_all(scene, start=10.0, seconds=1.5, live=True)
    await scene.settle()
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    assert [pause["code"] for pause in manifest["pauses"]] == ["disk-full"]
    texts = [e["text"] for e in manifest["events"] if e.get("name") == "x"]
    assert texts == [str(number) for number in range(200)], "nothing said is lost"
    numbers = [
        number for part in manifest["parts"] for _, number in decoded_counters(place / part["file"])
    ]
    assert set(range(FRAME_RATE // 2)) <= set(numbers), "what the first disk took is there"
    second_life = [number for number in numbers if number >= 250]
    assert numbers[-len(second_life) :] == second_life, "in the order in which they came"
    assert second_life == list(range(second_life[0], 250 + round(1.5 * FRAME_RATE)))
    assert verify(place).condition is ArchiveCondition.INCOMPLETE, "it says what is missing"
    await scene.until((place / FILED).exists, "filed")
    left = {path.name for path in scene.folder.iterdir()}
    await scene.until(
        lambda: {path.name for path in scene.folder.iterdir()} == {recording_id},
        f"what it began with goes when it is finished: {left}",
    )
    await FolderStore(scene.folder).remove(recording_id)
    assert not list(second.iterdir())


async def test_a_lesson_that_ends_on_a_full_disk_is_finished_on_the_next(
    two_disks: tuple[Scene, SmallDisk, Path],
) -> None:
    scene, disk, second = two_disks
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.settle()
    (recording_id,) = scene.catalogue.rows
    disk.fill()
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    assert (scene.folder / recording_id).resolve() == second / recording_id
    manifest = scene.catalogue.manifests[recording_id]
    numbers = [
        number
        for part in manifest["parts"]
        for _, number in decoded_counters(scene.folder / recording_id / part["file"])
    ]
    assert numbers[:FRAME_RATE] == list(range(FRAME_RATE))


async def test_a_lesson_that_ends_on_a_full_disk_is_finished_when_there_is_room(
    small_scene: tuple[Scene, SmallDisk],
) -> None:
    scene, disk = small_scene
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.settle()
    disk.fill()
    await until_paused(scene)
    await scene.recording.lesson_closed("lesson1")
    (recording_id,) = scene.catalogue.rows
    await scene.until(lambda: len(scene.catalogue.reasons) >= 3, "tried again and again")
    assert scene.recording.totals().failed + scene.recording.totals().finishing == 1
    disk.clear()
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    assert [pause["code"] for pause in manifest["pauses"]] == ["disk-full"]
    texts = [e["text"] for e in manifest["events"] if e.get("name") == "x"]
    assert texts == [str(number) for number in range(200)]
    assert scene.recording.totals().failed == 0


async def test_a_finish_that_failed_is_tried_again_by_itself_and_by_hand(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recordings.recording.LOOK_EVERY_S", 0.05)
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    (recording_id,) = scene.catalogue.rows
    # Finishing cannot make its first part: a folder stands there.
    obstacle = scene.folder / recording_id / "part-0001.webm"
    obstacle.mkdir()
    with pytest.raises(Refusal):  # it is still being recorded
        scene.recording.finish_again(recording_id)
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "failed", "failed")
    tries = len(scene.catalogue.reasons)
    scene.recording.finish_again(recording_id)
    await scene.until(lambda: len(scene.catalogue.reasons) > tries, "failed again")
    obstacle.rmdir()
    scene.recording.finish_again(recording_id)
    scene.recording.finish_again(recording_id)  # two people press it
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    assert scene.catalogue.manifests[recording_id]["incomplete"] == ""
